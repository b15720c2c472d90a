import { INVAL } from "../errno.ts";
import { LOG_LEVELS } from "../journal.ts";
import type { GuestContext } from "./context.ts";
import { hostCall } from "./host-call.ts";

/**
 * `nexus.log(level, ptr, len) -> errno`: 0 logged, or cut as stderr is; 21 (fault) not in memory; 28 (inval)
 * no such level. A text of several lines is several lines of the log. Told in docs/writing-functions.md.
 */
export function logFunction(
  context: GuestContext,
): (level: number, at: number, length: number) => unknown {
  return hostCall(context, "nexus.log", (level: number, at: number, length: number) => {
    if (LOG_LEVELS[level] === undefined) throw INVAL;
    context.journal.stderr.log(context.memory.slice(at, length), level + 1);
  });
}
