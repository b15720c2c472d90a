import type { GuestContext } from "./context.ts";
import { hostCall } from "./host-call.ts";

/**
 * `nexus.emit(ptr, len) -> errno`: 0 taken; 21 (fault) not in memory; 28 (inval) empty; 51 (nospc) the
 * invocation has emitted as many events as it may; 35 (msgsize) as many bytes as it may. What is refused
 * is not kept. The codes are told in docs/writing-functions.md.
 */
export function emitFunction(context: GuestContext): (at: number, length: number) => unknown {
  return hostCall(context, "nexus.emit", (at: number, length: number) =>
    context.journal.emitted.push(context.memory.slice(at, length)),
  );
}
