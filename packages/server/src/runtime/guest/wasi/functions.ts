/**
 * WASI preview 1 as TypeScript sees it: i32 arrives as a signed number, i64 as a signed bigint. Each
 * returns for success and throws a WasiError for any other code.
 */
export interface Wasi {
  args_get(tableAt: number, bytesAt: number): void;
  args_sizes_get(countAt: number, bytesAt: number): void;
  environ_get(tableAt: number, bytesAt: number): void;
  environ_sizes_get(countAt: number, bytesAt: number): void;
  clock_res_get(clock: number, at: number): void;
  clock_time_get(clock: number, precision: bigint, at: number): void;
  fd_advise(fd: number, offset: bigint, length: bigint, advice: number): void;
  fd_allocate(fd: number, offset: bigint, length: bigint): void;
  fd_close(fd: number): void;
  fd_datasync(fd: number): void;
  fd_fdstat_get(fd: number, at: number): void;
  fd_fdstat_set_flags(fd: number, flags: number): void;
  fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint): void;
  fd_filestat_get(fd: number, at: number): void;
  fd_filestat_set_size(fd: number, size: bigint): void;
  fd_filestat_set_times(fd: number, accessed: bigint, modified: bigint, flags: number): void;
  fd_pread(fd: number, at: number, count: number, offset: bigint, readAt: number): void;
  fd_prestat_get(fd: number, at: number): void;
  fd_prestat_dir_name(fd: number, at: number, length: number): void;
  fd_pwrite(fd: number, at: number, count: number, offset: bigint, writtenAt: number): void;
  fd_read(fd: number, at: number, count: number, readAt: number): void;
  fd_readdir(fd: number, at: number, length: number, cookie: bigint, usedAt: number): void;
  fd_renumber(from: number, to: number): void;
  fd_seek(fd: number, offset: bigint, whence: number, positionAt: number): void;
  fd_sync(fd: number): void;
  fd_tell(fd: number, positionAt: number): void;
  fd_write(fd: number, at: number, count: number, writtenAt: number): void;
  path_create_directory(fd: number, path: number, length: number): void;
  path_filestat_get(fd: number, flags: number, path: number, length: number, at: number): void;
  path_filestat_set_times(
    ...args: [fd: number, flags: number, path: number, length: number, bigint, bigint, number]
  ): void;
  path_link(...args: [fd: number, number, number, number, number, number, number]): void;
  path_open(
    ...args: [fd: number, number, number, number, number, bigint, bigint, number, number]
  ): void;
  path_readlink(...args: [fd: number, number, number, number, number, number]): void;
  path_remove_directory(fd: number, path: number, length: number): void;
  path_rename(...args: [fd: number, number, number, number, number, number]): void;
  path_symlink(
    target: number,
    targetLength: number,
    fd: number,
    path: number,
    length: number,
  ): void;
  path_unlink_file(fd: number, path: number, length: number): void;
  /** A promise where the run is suspended meanwhile. */
  poll_oneoff(
    from: number,
    eventsAt: number,
    count: number,
    happenedAt: number,
  ): void | Promise<void>;
  proc_exit(code: number): void;
  proc_raise(signal: number): void;
  random_get(at: number, length: number): void;
  sched_yield(): void;
  sock_accept(fd: number, flags: number, at: number): void;
  sock_recv(...args: [fd: number, number, number, number, number, number]): void;
  sock_send(fd: number, at: number, count: number, flags: number, sentAt: number): void;
  sock_shutdown(fd: number, how: number): void;
}

/** The functions whose names begin with `P`: what one file of this folder implements. */
export type Family<P extends string> = Pick<Wasi, Extract<keyof Wasi, `${P}_${string}`>>;
