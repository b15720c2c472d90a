import { BUSY, EXIST, INVAL, ISDIR, NOENT, NOTDIR, PERM, type WasiError } from "../../errno.ts";
import { FILETYPE, type FileStat } from "../../files.ts";
import type { GuestContext } from "../context.ts";
import type { Place } from "../files/walk.ts";
import { checkFlags, LOOKUP } from "./flags.ts";
import type { Family } from "./functions.ts";
import { openFunction } from "./open.ts";
import { pathAt, withPlace } from "./paths.ts";
import { RIGHT } from "./rights.ts";
import { timesOf, writeStat } from "./stat.ts";

const utf8 = new TextEncoder();

export function pathFunctions(context: GuestContext): Family<"path"> {
  const { memory } = context;

  return {
    path_open: openFunction(context),
    path_create_directory(fd, at, length) {
      const options = { rights: RIGHT.pathCreateDirectory, follow: "never" } as const;
      withPlace(context, { fd, at, length }, options, (place) => {
        place.directory.createDirectory(nameIn(place, EXIST));
      });
    },
    path_remove_directory(fd, at, length) {
      const options = { rights: RIGHT.pathRemoveDirectory, follow: "never" } as const;
      withPlace(context, { fd, at, length }, options, (place) => {
        place.directory.removeDirectory(nameIn(place, INVAL));
      });
    },
    path_unlink_file(fd, at, length) {
      const options = { rights: RIGHT.pathUnlinkFile, follow: "never" } as const;
      withPlace(context, { fd, at, length }, options, (place) => {
        const name = nameIn(place, ISDIR);
        if (place.slash && statOf(place).type !== FILETYPE.directory) throw NOTDIR;
        place.directory.unlink(name);
      });
    },
    path_filestat_get(fd, flags, path, length, at) {
      checkFlags(flags, LOOKUP);
      const options = { rights: RIGHT.pathFilestatGet, follow: followed(flags) };
      const stat = withPlace(context, { fd, at: path, length }, options, reached);
      writeStat(memory, at, stat);
    },
    path_filestat_set_times(fd, flags, at, length, accessed, modified, which) {
      checkFlags(flags, LOOKUP);
      const times = timesOf(context, [accessed, modified], which);
      const options = { rights: RIGHT.pathFilestatSetTimes, follow: followed(flags) };
      withPlace(context, { fd, at, length }, options, (place) => {
        reached(place);
        if (place.name === undefined) place.directory.setTimes(times);
        else place.directory.setTimesAt(place.name, times);
      });
    },
    path_readlink(fd, path, length, at, room, usedAt) {
      const options = { rights: RIGHT.pathReadlink, follow: "slash" } as const;
      const target = withPlace(context, { fd, at: path, length }, options, (place) => {
        reached(place);
        return place.directory.readLink(nameIn(place, INVAL));
      });
      // It would tell of what is outside.
      if (target.startsWith("/")) throw PERM;
      const bytes = utf8.encode(target).subarray(0, room >>> 0);
      memory.slice(at, room);
      memory.setU32(usedAt, bytes.length);
      memory.slice(at, bytes.length).set(bytes);
    },
    path_symlink(target, targetLength, fd, at, length) {
      const options = { rights: RIGHT.pathSymlink, follow: "never" } as const;
      const text = pathAt(memory, target, targetLength);
      if (text === "") throw NOENT;
      if (text.startsWith("/")) throw PERM;
      withPlace(context, { fd, at, length }, options, (place) => {
        place.directory.symlink(newName(place), text);
      });
    },
    path_link(fromFd, flags, from, fromLength, toFd, to, toLength) {
      checkFlags(flags, LOOKUP);
      if ((flags & LOOKUP.follow) !== 0) throw INVAL;
      const source = { fd: fromFd, at: from, length: fromLength };
      const target = { fd: toFd, at: to, length: toLength };
      const options = { rights: RIGHT.pathLinkSource, follow: "slash" } as const;
      context.descriptors.directory(toFd, RIGHT.pathLinkTarget);
      withPlace(context, source, options, (old) => {
        reached(old);
        withPlace(context, target, { rights: RIGHT.pathLinkTarget, follow: "never" }, (place) => {
          const free = newName(place);
          old.directory.link(nameIn(old, PERM), place.directory, free);
        });
      });
    },
    path_rename(fromFd, from, fromLength, toFd, to, toLength) {
      const source = { fd: fromFd, at: from, length: fromLength };
      const target = { fd: toFd, at: to, length: toLength };
      const options = { rights: RIGHT.pathRenameSource, follow: "never" } as const;
      context.descriptors.directory(toFd, RIGHT.pathRenameTarget);
      withPlace(context, source, options, (old) => {
        withPlace(context, target, { rights: RIGHT.pathRenameTarget, follow: "never" }, (place) => {
          const [name, newName] = [nameIn(old, BUSY), nameIn(place, BUSY)];
          const { type } = statOf(old);
          if ((old.slash || place.slash) && type !== FILETYPE.directory) throw NOTDIR;
          old.directory.rename(name, place.directory, newName);
        });
      });
    },
  };
}

function followed(flags: number): "always" | "slash" {
  return (flags & LOOKUP.follow) === 0 ? "slash" : "always";
}

/** `otherwise` is thrown where the path leads to a directory without naming it: `.`, `a/..`. */
function nameIn({ name }: Place, otherwise: WasiError): string {
  if (name === undefined) throw otherwise;
  return name;
}

/**
 * A name for what cannot be a directory: EXIST where it is taken. A slash behind it is NOENT, and NOTDIR
 * where a file stands there.
 */
function newName(place: Place): string {
  const name = nameIn(place, EXIST);
  const there = place.directory.statAt(name);
  if (there !== undefined) {
    throw place.slash && there.type !== FILETYPE.directory ? NOTDIR : EXIST;
  }
  if (place.slash) throw NOENT;
  return name;
}

function statOf({ directory, name }: Place): FileStat {
  const stat = name === undefined ? directory.stat() : directory.statAt(name);
  if (stat === undefined) throw NOENT;
  return stat;
}

/** What is there: NOENT, and NOTDIR behind a slash. */
function reached(place: Place): FileStat {
  const stat = statOf(place);
  if (place.slash && stat.type !== FILETYPE.directory) throw NOTDIR;
  return stat;
}
