import { ACCESS_CHECKS } from "./access.ts";
import type { Check } from "./check.ts";
import { DATA_CHECKS } from "./data.ts";
import { NATS_CHECKS } from "./nats.ts";
import { PROCESS_CHECKS } from "./process.ts";
import { RUNNING_CHECKS } from "./running.ts";
import { TRACING_CHECKS } from "./tracing.ts";

/** What `nexus doctor --production` looks at, in this order. */
export const PRODUCTION_CHECKS: readonly Check[] = [
  ...ACCESS_CHECKS,
  ...DATA_CHECKS,
  ...PROCESS_CHECKS,
  ...TRACING_CHECKS,
  ...NATS_CHECKS,
  ...RUNNING_CHECKS,
];
