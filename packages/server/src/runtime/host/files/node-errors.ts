import { ERRNO, WasiError } from "../../errno.ts";

/** Node's names for the system's errors, by WASI's: those that differ, and the names of Windows. */
const OTHER_NAMES: Readonly<Record<string, number>> = {
  E2BIG: ERRNO.tooBig,
  EOPNOTSUPP: ERRNO.notsup,
  EWOULDBLOCK: ERRNO.again,
  EDEADLOCK: ERRNO.deadlk,
  ENODATA: ERRNO.io,
  EFTYPE: ERRNO.inval,
  ECHARSET: ERRNO.ilseq,
  EUNATCH: ERRNO.nodev,
  EREMOTEIO: ERRNO.io,
  EHOSTDOWN: ERRNO.hostunreach,
};

/** By `error.code`: `ENOENT` is `noent`, and so on for every code of the specification. */
const BY_CODE: ReadonlyMap<string, WasiError> = new Map([
  ...Object.entries(ERRNO).map(([name, errno]): [string, WasiError] => [
    `E${name.toUpperCase()}`,
    new WasiError(errno),
  ]),
  ...Object.entries(OTHER_NAMES).map(([code, errno]): [string, WasiError] => [
    code,
    new WasiError(errno),
  ]),
]);

const IO = new WasiError(ERRNO.io);
const INVALID = new WasiError(ERRNO.inval);

/** A failed call of node:fs as the guest is to see it; what is no failed call is a bug and goes on. */
export function wasiError(error: unknown): WasiError {
  if (error instanceof WasiError) return error;
  const code = codeOf(error);
  if (code === undefined) throw error;
  // Node checks arguments before it asks the system: a zero byte in a name, a number out of range.
  if (code.startsWith("ERR_")) return INVALID;
  return BY_CODE.get(code) ?? IO;
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Does it, and throws a WasiError where the system refuses. */
export function asking<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw wasiError(error);
  }
}
