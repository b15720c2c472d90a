import type { GuestContext } from "./context.ts";
import { ERRNO, INVAL, WasiError } from "./wasi/errno.ts";
import { answeringErrno } from "./wasi/preview1.ts";

const NOSPC = new WasiError(ERRNO.nospc);
const MSGSIZE = new WasiError(ERRNO.msgsize);

/**
 * `nexus.emit(ptr, len) -> errno`: 0 taken; 28 (inval) empty; 21 (fault) not in memory; 51 (nospc) the
 * invocation has emitted as many events as it may; 35 (msgsize) as many bytes as it may.
 */
export function emitFunction(context: GuestContext): (at: number, length: number) => number {
  return answeringErrno((at: number, length: number) => {
    const bytes = context.memory.slice(at, length);
    if (bytes.length === 0) throw INVAL;
    if (context.emitted.length >= context.maxEmits) throw NOSPC;
    if (context.emittedBytes + bytes.length > context.maxEmittedBytes) throw MSGSIZE;
    context.emittedBytes += bytes.length;
    context.emitted.push(bytes.slice());
  });
}
