import type { GuestContext } from "../context.ts";
import { INVAL } from "../../errno.ts";
import type { Family } from "./functions.ts";

export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

const RESOLUTION_NS = 1000n;

/** Nanoseconds on a clock; INVAL where there is no such clock. The CPU clocks count from the run's start. */
export function clockNow(context: GuestContext, clock: number): bigint {
  switch (clock) {
    case CLOCK.realtime:
      return nanoseconds(performance.timeOrigin + performance.now());
    case CLOCK.monotonic:
      return process.hrtime.bigint();
    case CLOCK.processCpu:
    case CLOCK.threadCpu:
      return nanoseconds(performance.now() - context.startedMs);
    default:
      throw INVAL;
  }
}

// In two steps: nanoseconds since 1970 do not fit a double's 53 bits.
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}

export function clockFunctions(context: GuestContext): Family<"clock"> {
  const { memory } = context;
  return {
    clock_res_get(clock, at) {
      if (clock >>> 0 > CLOCK.threadCpu) throw INVAL;
      memory.setU64(at, RESOLUTION_NS);
    },
    clock_time_get: (clock, _precision, at) => memory.setU64(at, clockNow(context, clock)),
  };
}
