import { tracingConfig } from "@nexus-functions/server/telemetry/tracing";
import { doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Setup } from "./setup.ts";

export const TRACING_CHECKS: readonly Check[] = [
  { name: "telemetry", wants: "spans go to a collector", look: telemetry },
];

function telemetry({ config }: Setup): Verdict {
  const { endpoint, warnings } = tracingConfig(config.otel);
  const [warning] = warnings;
  if (warning !== undefined) return doubtful(warning, "See docs/telemetry.md.");
  return endpoint === undefined
    ? doubtful(
        "spans go nowhere",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT, or go without: metrics and logs are there.",
      )
    : good(`spans go to ${new URL(endpoint).origin}`);
}
