import type { GuestContext } from "../context.ts";
import { trap } from "../trapping.ts";
import { ERRNO, WasiError } from "../../errno.ts";
import type { Family } from "./functions.ts";

const NOSYS = new WasiError(ERRNO.nosys);

export function processFunctions(context: GuestContext): Family<"proc" | "sched"> {
  return {
    proc_exit(code) {
      context.exitCode = code >>> 0;
      trap();
    },
    proc_raise() {
      throw NOSYS;
    },
    sched_yield: () => undefined,
  };
}
