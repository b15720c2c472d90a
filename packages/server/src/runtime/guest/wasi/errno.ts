/** The error codes of WASI preview 1 that this host answers with. */
export const ERRNO = {
  success: 0,
  tooBig: 1,
  badf: 8,
  fault: 21,
  inval: 28,
  msgsize: 35,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notsock: 57,
  notsup: 58,
  spipe: 70,
  notcapable: 76,
} as const;

/**
 * Ends a host call with a code; caught where the call came in, never seen by the guest. Make them once,
 * at module level: an error costs its stack trace each time it is made.
 */
export class WasiError extends Error {
  override readonly name = "WasiError";
  readonly errno: number;

  constructor(errno: number) {
    super(`WASI error ${errno}`);
    this.errno = errno;
  }
}

export const BADF = new WasiError(ERRNO.badf);
export const FAULT = new WasiError(ERRNO.fault);
export const INVAL = new WasiError(ERRNO.inval);
