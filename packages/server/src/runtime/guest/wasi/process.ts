import type { GuestContext } from "../context.ts";
import { NOTSUP } from "../../errno.ts";
import type { Family } from "./functions.ts";

export function processFunctions(context: GuestContext): Family<"proc" | "sched"> {
  return {
    proc_exit(code) {
      context.exitCode = code >>> 0;
      // Only a trap cannot be caught by a guest's own exception handlers.
      trap();
    },
    proc_raise() {
      // There are no signals; the reference runtime says so too.
      throw NOTSUP;
    },
    sched_yield: () => undefined,
  };
}

// (module (func (export "trap") unreachable))
const TRAPPING = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0,
  10, 5, 1, 3, 0, 0, 11,
]);

const trap = new WebAssembly.Instance(new WebAssembly.Module(TRAPPING)).exports[
  "trap"
] as () => never;
