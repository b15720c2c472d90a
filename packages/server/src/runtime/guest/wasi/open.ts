import { EXIST, INVAL, ISDIR, LOOP, NOENT, NOTCAPABLE, NOTDIR } from "../../errno.ts";
import { FILETYPE, type Directory } from "../../files.ts";
import type { GuestContext } from "../context.ts";
import type { Place } from "../files/walk.ts";
import { directoryDescriptor, type Descriptor, type DirectoryDescriptor } from "./descriptors.ts";
import { checkFlags, FDFLAG, LOOKUP, OFLAG } from "./flags.ts";
import type { Wasi } from "./functions.ts";
import { withPlace } from "./paths.ts";
import { fileRights, INHERITED_RIGHTS, RIGHT, rightsIn } from "./rights.ts";

/** How something is to be opened. */
interface Wish {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly directory: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly flags: number;
  /** What the directory that is started from hands on. */
  readonly allowed: number;
}

export function openFunction(context: GuestContext): Wasi["path_open"] {
  const { memory } = context;
  return (fd, lookup, at, length, opening, base, inheriting, flags, openedAt) => {
    checkFlags(lookup, LOOKUP);
    checkFlags(opening, OFLAG);
    checkFlags(flags, FDFLAG);
    memory.u32(openedAt);
    const wish = wishOf(opening, rightsIn(base), flags);
    const rights = rightsNeeded(wish);
    const from = context.descriptors.directory(fd, rights);
    checkHandedOn(from, rightsIn(base) | rightsIn(inheriting));
    // Before anything is made that would then be left behind.
    const number = context.descriptors.free();
    const follow = wish.exclusive ? "never" : (lookup & LOOKUP.follow) === 0 ? "slash" : "always";
    const opened = withPlace(context, { fd, at, length }, { rights, follow }, (place) =>
      open(place, { ...wish, allowed: from.inheriting }),
    );
    context.descriptors.put(number, opened);
    memory.setU32(openedAt, number);
  };
}

function wishOf(opening: number, rights: number, flags: number): Omit<Wish, "allowed"> {
  const directory = (opening & OFLAG.directory) !== 0;
  if (directory && opening !== OFLAG.directory) throw INVAL;
  const create = (opening & OFLAG.create) !== 0;
  return {
    create,
    exclusive: create && (opening & OFLAG.exclusive) !== 0,
    truncate: (opening & OFLAG.truncate) !== 0,
    directory,
    read: (rights & RIGHT.fdRead) !== 0,
    write: (rights & RIGHT.fdWrite) !== 0,
    flags,
  };
}

function rightsNeeded({ create, truncate }: Omit<Wish, "allowed">): number {
  return (
    RIGHT.pathOpen |
    (create ? RIGHT.pathCreateFile : 0) |
    (truncate ? RIGHT.pathFilestatSetSize : 0)
  );
}

/** What a directory's holder has given up is given to nobody through it. */
function checkHandedOn({ inheriting }: DirectoryDescriptor, wanted: number): void {
  if ((wanted & INHERITED_RIGHTS & ~inheriting) !== 0) throw NOTCAPABLE;
}

function open(place: Place, wish: Wish): Descriptor {
  const { directory, name, slash } = place;
  if (name === undefined) {
    if (wish.exclusive) throw EXIST;
    checkAsDirectory(wish);
    return directoryDescriptor(directory.reopen(), undefined, wish.allowed);
  }
  if (slash && wish.create) throw ISDIR;
  const type = directory.statAt(name)?.type;
  if (type === FILETYPE.directory && !wish.exclusive) {
    checkAsDirectory(wish);
    return directoryDescriptor(directory.openDirectory(name), undefined, wish.allowed);
  }
  if (type === undefined && !wish.create) throw NOENT;
  if (type !== undefined && (slash || wish.directory)) throw NOTDIR;
  if (type === FILETYPE.symbolicLink && !wish.exclusive) throw LOOP;
  return openFile(directory, name, wish);
}

function checkAsDirectory({ create, truncate, write }: Wish): void {
  if (create || truncate || write) throw ISDIR;
}

function openFile(directory: Directory, name: string, wish: Wish): Descriptor {
  const file = directory.openFile(name, wish);
  const { type } = file.stat();
  return {
    kind: "file",
    file,
    lent: false,
    regular: type === FILETYPE.regularFile,
    position: 0n,
    rights: fileRights(type, wish) & wish.allowed,
    inheriting: 0,
    flags: wish.flags,
  };
}
