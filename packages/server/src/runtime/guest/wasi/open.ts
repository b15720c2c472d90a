import { EXIST, INVAL, ISDIR, LOOP, NOENT, NOTCAPABLE, NOTDIR } from "../../errno.ts";
import { FILETYPE, type Directory } from "../../files.ts";
import type { GuestContext } from "../context.ts";
import type { Place } from "../files/walk.ts";
import { directoryDescriptor, type Descriptor, type DirectoryDescriptor } from "./descriptors.ts";
import { checkFlags, FDFLAG, LOOKUP, OFLAG } from "./flags.ts";
import type { Wasi } from "./functions.ts";
import { withPlace } from "./paths.ts";
import { DIRECTORY_RIGHTS, fileRights, INHERITED_RIGHTS, RIGHT, rightsIn } from "./rights.ts";

/** How something is to be opened. */
interface Wish {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly directory: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly flags: number;
  /** Those asked for; each is given only where it applies. */
  readonly rights: number;
  readonly inheriting: number;
}

export function openFunction(context: GuestContext): Wasi["path_open"] {
  const { memory } = context;
  return (fd, lookup, at, length, opening, base, inheriting, flags, openedAt) => {
    checkFlags(lookup, LOOKUP);
    checkFlags(opening, OFLAG);
    checkFlags(flags, FDFLAG);
    memory.u32(openedAt);
    const asked = { rights: rightsIn(base), inheriting: rightsIn(inheriting) };
    const wish = wishOf(opening, asked, flags);
    const rights = rightsNeeded(wish);
    checkHandedOn(context.descriptors.directory(fd, rights), asked);
    // Before anything is made that would then be left behind.
    const number = context.descriptors.free();
    const follow = wish.exclusive ? "never" : (lookup & LOOKUP.follow) === 0 ? "slash" : "always";
    const opened = withPlace(context, { fd, at, length }, { rights, follow }, (place) =>
      open(place, wish),
    );
    context.descriptors.put(number, opened);
    memory.setU32(openedAt, number);
  };
}

type Asked = Pick<Wish, "rights" | "inheriting">;

function wishOf(opening: number, asked: Asked, flags: number): Wish {
  const directory = (opening & OFLAG.directory) !== 0;
  if (directory && opening !== OFLAG.directory) throw INVAL;
  const create = (opening & OFLAG.create) !== 0;
  return {
    create,
    exclusive: create && (opening & OFLAG.exclusive) !== 0,
    truncate: (opening & OFLAG.truncate) !== 0,
    directory,
    read: (asked.rights & RIGHT.fdRead) !== 0,
    write: (asked.rights & RIGHT.fdWrite) !== 0,
    flags,
    ...asked,
  };
}

function rightsNeeded({ create, truncate }: Wish): number {
  return (
    RIGHT.pathOpen |
    (create ? RIGHT.pathCreateFile : 0) |
    (truncate ? RIGHT.pathFilestatSetSize : 0)
  );
}

/** What a directory does not hand on is given to nobody through it. */
function checkHandedOn(from: DirectoryDescriptor, { rights, inheriting }: Asked): void {
  if (((rights | inheriting) & INHERITED_RIGHTS & ~from.inheriting) !== 0) throw NOTCAPABLE;
}

function open(place: Place, wish: Wish): Descriptor {
  const { directory, name, slash } = place;
  if (name === undefined) {
    if (wish.exclusive) throw EXIST;
    checkAsDirectory(wish);
    return directoryDescriptor(directory.reopen(), rightsOnDirectory(wish));
  }
  if (slash && wish.create) throw ISDIR;
  const type = directory.statAt(name)?.type;
  if (type === FILETYPE.directory && !wish.exclusive) {
    checkAsDirectory(wish);
    return directoryDescriptor(directory.openDirectory(name), rightsOnDirectory(wish));
  }
  if (type === undefined && !wish.create) throw NOENT;
  if (type !== undefined && (slash || wish.directory)) throw NOTDIR;
  if (type === FILETYPE.symbolicLink && !wish.exclusive) throw LOOP;
  return openFile(directory, name, wish);
}

function rightsOnDirectory({ rights, inheriting }: Wish): Asked {
  return { rights: rights & DIRECTORY_RIGHTS, inheriting: inheriting & INHERITED_RIGHTS };
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
    rights: fileRights(type, wish.rights),
    inheriting: 0,
    flags: wish.flags,
  };
}
