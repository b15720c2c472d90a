import type { GuestContext } from "../context.ts";
import { trap } from "../trapping.ts";
import { NOTSUP } from "../../errno.ts";
import type { Family } from "./functions.ts";

export function processFunctions(context: GuestContext): Family<"proc" | "sched"> {
  return {
    proc_exit(code) {
      context.exitCode = code >>> 0;
      trap();
    },
    proc_raise() {
      // There are no signals; the reference runtime says so too.
      throw NOTSUP;
    },
    sched_yield: () => undefined,
  };
}
