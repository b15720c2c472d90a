import type { Logger, Meter, Telemetry } from "./telemetry.ts";
import { disabledTracer } from "./tracing.ts";

/** Telemetry that goes nowhere: for tests, and for `nexus invoke`, which runs a module without a server. */
export function silentTelemetry(): Telemetry {
  return { logger: silentLogger(), meter: silentMeter(), tracer: disabledTracer() };
}

export function silentLogger(): Logger {
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error() {},
    with: () => logger,
  };
  return logger;
}

export function silentMeter(): Meter {
  return {
    httpRequest() {},
    requestLimited() {},
    eventAccepted() {},
    eventRejected() {},
    cronTick() {},
    appendDuration() {},
    deliveryStarted() {},
    deliveryEnded() {},
    invocation() {},
    replayVerified() {},
  };
}
