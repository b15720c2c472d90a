import type { GuestContext } from "../context.ts";
import { INVAL } from "../../errno.ts";
import type { Family } from "./functions.ts";

export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

/** Of what the platform gives: microseconds but for the monotonic clock. */
const RESOLUTIONS_NS = [1000n, 1n, 1000n, 1000n] as const;

/** Nanoseconds on a clock; INVAL where there is no such clock. The CPU clocks count from the run's start. */
export function clockNow({ world }: GuestContext, clock: number): bigint {
  switch (clock) {
    case CLOCK.realtime:
      return world.realtime();
    case CLOCK.monotonic:
      return world.monotonic();
    case CLOCK.processCpu:
    case CLOCK.threadCpu:
      return world.cpu();
    default:
      throw INVAL;
  }
}

export function clockFunctions(context: GuestContext): Family<"clock"> {
  const { memory } = context;
  return {
    clock_res_get(clock, at) {
      const resolution = RESOLUTIONS_NS[clock];
      if (resolution === undefined) throw INVAL;
      memory.setU64(at, resolution);
    },
    clock_time_get: (clock, _precision, at) => memory.setU64(at, clockNow(context, clock)),
  };
}
