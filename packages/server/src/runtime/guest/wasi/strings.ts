import type { GuestContext, Strings } from "../context.ts";
import type { Family } from "./functions.ts";

/** Arguments and environment: both are lists of zero-ended strings with a table of their addresses. */
export function stringFunctions(context: GuestContext): Family<"args" | "environ"> {
  const { memory } = context;

  function sizes({ count, bytes }: Strings, countAt: number, bytesAt: number): void {
    memory.setU32(countAt, count);
    memory.setU32(bytesAt, bytes.length);
  }

  function write({ count, bytes }: Strings, tableAt: number, bytesAt: number): void {
    const start = bytesAt >>> 0;
    memory.slice(start, bytes.length).set(bytes);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      memory.setU32((tableAt >>> 0) + 4 * index, start + at);
      at = bytes.indexOf(0, at) + 1;
    }
  }

  return {
    args_sizes_get: (countAt, bytesAt) => sizes(context.args, countAt, bytesAt),
    args_get: (tableAt, bytesAt) => write(context.args, tableAt, bytesAt),
    environ_sizes_get: (countAt, bytesAt) => sizes(context.env, countAt, bytesAt),
    environ_get: (tableAt, bytesAt) => write(context.env, tableAt, bytesAt),
  };
}
