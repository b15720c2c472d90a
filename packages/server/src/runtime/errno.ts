/** The error codes of WASI preview 1, all of them, by the specification's names. */
export const ERRNO = {
  success: 0,
  tooBig: 1,
  acces: 2,
  addrinuse: 3,
  addrnotavail: 4,
  afnosupport: 5,
  again: 6,
  already: 7,
  badf: 8,
  badmsg: 9,
  busy: 10,
  canceled: 11,
  child: 12,
  connaborted: 13,
  connrefused: 14,
  connreset: 15,
  deadlk: 16,
  destaddrreq: 17,
  dom: 18,
  dquot: 19,
  exist: 20,
  fault: 21,
  fbig: 22,
  hostunreach: 23,
  idrm: 24,
  ilseq: 25,
  inprogress: 26,
  intr: 27,
  inval: 28,
  io: 29,
  isconn: 30,
  isdir: 31,
  loop: 32,
  mfile: 33,
  mlink: 34,
  msgsize: 35,
  multihop: 36,
  nametoolong: 37,
  netdown: 38,
  netreset: 39,
  netunreach: 40,
  nfile: 41,
  nobufs: 42,
  nodev: 43,
  noent: 44,
  noexec: 45,
  nolck: 46,
  nolink: 47,
  nomem: 48,
  nomsg: 49,
  noprotoopt: 50,
  nospc: 51,
  nosys: 52,
  notconn: 53,
  notdir: 54,
  notempty: 55,
  notrecoverable: 56,
  notsock: 57,
  notsup: 58,
  notty: 59,
  nxio: 60,
  overflow: 61,
  ownerdead: 62,
  perm: 63,
  pipe: 64,
  proto: 65,
  protonosupport: 66,
  prototype: 67,
  range: 68,
  rofs: 69,
  spipe: 70,
  srch: 71,
  stale: 72,
  timedout: 73,
  txtbsy: 74,
  xdev: 75,
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
export const BUSY = new WasiError(ERRNO.busy);
export const EXIST = new WasiError(ERRNO.exist);
export const FBIG = new WasiError(ERRNO.fbig);
export const ILSEQ = new WasiError(ERRNO.ilseq);
export const ISDIR = new WasiError(ERRNO.isdir);
export const LOOP = new WasiError(ERRNO.loop);
export const MFILE = new WasiError(ERRNO.mfile);
export const MSGSIZE = new WasiError(ERRNO.msgsize);
export const NAMETOOLONG = new WasiError(ERRNO.nametoolong);
export const NOENT = new WasiError(ERRNO.noent);
export const NOSPC = new WasiError(ERRNO.nospc);
export const NOTCAPABLE = new WasiError(ERRNO.notcapable);
export const NOTDIR = new WasiError(ERRNO.notdir);
export const NOTEMPTY = new WasiError(ERRNO.notempty);
export const NOTSOCK = new WasiError(ERRNO.notsock);
export const NOTSUP = new WasiError(ERRNO.notsup);
export const OVERFLOW = new WasiError(ERRNO.overflow);
export const PERM = new WasiError(ERRNO.perm);
export const ROFS = new WasiError(ERRNO.rofs);
export const SPIPE = new WasiError(ERRNO.spipe);
export const XDEV = new WasiError(ERRNO.xdev);

const ALL: readonly WasiError[] = Object.values(ERRNO).map((errno) => new WasiError(errno));

/** The error with this code, which is one of ERRNO. */
export function failure(errno: number): WasiError {
  return ALL[errno] ?? ALL[ERRNO.io]!;
}
