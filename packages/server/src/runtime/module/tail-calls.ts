import { TAIL_CALL_EXPORT } from "../protocol.ts";
import type { Additions } from "./additions.ts";
import { leb, type Chunk } from "./writer.ts";

const [IF, IS_NULL, NOT, CALL, CALL_REF, END] = [0x04, 0xd1, 0x45, 0x10, 0x14, 0x0b];
const NO_RESULT = 0x40;

/**
 * What stands in front of every tail call: a call that never happens. V8's optimizing compiler has a
 * function look for the end of its thread when it is entered, but leaves that out of one that calls
 * nothing, and does not count tail calls: functions that only tail-call each other would run for ever,
 * whatever their limit of time. (Seen with V8 14.6. A loop in its place is optimized away.)
 */
export function addTailCallHook(added: Additions): Chunk {
  const type = leb(added.type([], 0));
  // Exported, so that no compiler may take it for a constant.
  const hook = leb(added.global(TAIL_CALL_EXPORT, [0x63, ...type], [0xd0, ...type]));
  const isSet = [0x23, ...hook, IS_NULL, NOT];
  return [...isSet, IF, NO_RESULT, 0x23, ...hook, CALL_REF, ...type, END];
}

/**
 * What stands in front of every bulk operation: a call of a function that looks for the end of the thread
 * and does nothing else. With dynamic tiering, V8's first tier has a loop look only when its budget is
 * used up, and that counts bytes of code: a loop of large fills ran on for seconds. `hook` keeps the
 * looking in the function that is called.
 */
export function addLook(added: Additions, hook: Chunk): Chunk {
  const look = added.function(added.type([], 0), [0x00, ...hook, END]);
  return [CALL, ...leb(look)];
}
