import type { GuestContext } from "../context.ts";
import { descriptor } from "./descriptors.ts";
import { ERRNO, WasiError } from "../../errno.ts";
import type { Family } from "./functions.ts";

const NOTDIR = new WasiError(ERRNO.notdir);

/** Paths start at a granted directory. None is granted, so a descriptor is missing or no directory. */
export function pathFunctions(context: GuestContext): Family<"path"> {
  const first = (fd: number) => {
    descriptor(context, fd);
    throw NOTDIR;
  };
  return {
    path_create_directory: first,
    path_filestat_get: first,
    path_filestat_set_times: first,
    path_link: first,
    path_open: first,
    path_readlink: first,
    path_remove_directory: first,
    path_rename: first,
    // Its descriptor comes behind the target's address and length.
    path_symlink: (_target, _length, fd) => first(fd),
    path_unlink_file: first,
  };
}
