import type { GuestContext } from "../context.ts";
import { INVAL } from "../../errno.ts";
import { nanoseconds } from "../wall-clock.ts";
import type { Family } from "./functions.ts";

export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

/** Of what the platform gives: microseconds but for the monotonic clock. */
const RESOLUTIONS_NS = [1000n, 1n, 1000n, 1000n] as const;

/** Nanoseconds on a clock; INVAL where there is no such clock. The CPU clocks count from the run's start. */
export function clockNow(context: GuestContext, clock: number): bigint {
  switch (clock) {
    case CLOCK.realtime:
      return context.wallClock.now();
    case CLOCK.monotonic:
      return process.hrtime.bigint();
    case CLOCK.processCpu:
    case CLOCK.threadCpu:
      return cpuTime(context);
    default:
      throw INVAL;
  }
}

// Most runs never ask, so nobody reads the clock at their start: by the first reading a run has used as
// much as has gone by.
function cpuTime(context: GuestContext): bigint {
  const { user, system } = process.threadCpuUsage();
  const usedNs = BigInt(user + system) * 1000n;
  context.cpuOffsetNs ??= nanoseconds(performance.now() - context.startedMs) - usedNs;
  return usedNs + context.cpuOffsetNs;
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
