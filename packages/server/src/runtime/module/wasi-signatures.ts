import type { Signature } from "./types.ts";

/** Parameters of every function of WASI preview 1; all but proc_exit give back an i32. */
const PARAMS = {
  args_get: "ii",
  args_sizes_get: "ii",
  environ_get: "ii",
  environ_sizes_get: "ii",
  clock_res_get: "ii",
  clock_time_get: "iIi",
  fd_advise: "iIIi",
  fd_allocate: "iII",
  fd_close: "i",
  fd_datasync: "i",
  fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii",
  fd_fdstat_set_rights: "iII",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi",
  fd_pread: "iiiIi",
  fd_prestat_get: "ii",
  fd_prestat_dir_name: "iii",
  fd_pwrite: "iiiIi",
  fd_read: "iiii",
  fd_readdir: "iiiIi",
  fd_renumber: "ii",
  fd_seek: "iIii",
  fd_sync: "i",
  fd_tell: "ii",
  fd_write: "iiii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiiIIi",
  path_link: "iiiiiii",
  path_open: "iiiiiIIii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
  poll_oneoff: "iiii",
  proc_exit: "i",
  proc_raise: "i",
  random_get: "ii",
  sched_yield: "",
  sock_accept: "iii",
  sock_recv: "iiiiii",
  sock_send: "iiiii",
  sock_shutdown: "ii",
} as const satisfies Record<string, string>;

function signatures(): Map<string, Signature> {
  return new Map(
    Object.entries(PARAMS).map(([name, params]) => [
      name,
      { params, results: name === "proc_exit" ? "" : "i" },
    ]),
  );
}

/** The platform's own functions are imported from it. */
export const NEXUS = "nexus";

/** Every function a module may import, by module and name. */
export const IMPORTS: ReadonlyMap<string, ReadonlyMap<string, Signature>> = new Map([
  ["wasi_snapshot_preview1", signatures()],
  [
    NEXUS,
    new Map([
      ["emit", { params: "ii", results: "i" }],
      ["log", { params: "iii", results: "i" }],
      ["kv_get", { params: "iiiiii", results: "i" }],
      ["kv_set", { params: "iiiiIIi", results: "i" }],
      ["kv_delete", { params: "iiI", results: "i" }],
      ["kv_list", { params: "iiiiiiii", results: "i" }],
      ["fetch", { params: "iiiiiii", results: "i" }],
      ["secret_get", { params: "iiiii", results: "i" }],
      ["answer_read", { params: "iii", results: "i" }],
    ]),
  ],
]);
