import { ReportBuilder } from "@nexus-functions/server/replay/report-builder";
import type { ReplayReport } from "@nexus-functions/server/replay/report";
import { effect, pair, run } from "@nexus-functions/server/replay/testing/pairs";

/** What functions, clients and files might say to harm a page, an attribute or a terminal. */
export const HOSTILE = `</pre></details><script>alert(1)</script><img src=x onerror=alert(1)> " ' & \u001b[2J\u0007\u0000 \u202eabc\u2028 \ud800 \`\${x}\``;

/** A report in which every text that comes from outside is hostile. */
export function hostileReport(): ReplayReport {
  const builder = new ReportBuilder();
  const was = run({
    output: { [HOSTILE]: HOSTILE, same: HOSTILE },
    logs: [{ text: HOSTILE, level: "info" }],
    effects: [effect(HOSTILE, HOSTILE, { [HOSTILE]: 1 })],
  });
  const is = run({
    output: { [HOSTILE]: `${HOSTILE}!`, same: HOSTILE },
    logs: [{ text: `${HOSTILE}!`, level: "info" }],
    effects: [effect(HOSTILE, HOSTILE, { [HOSTILE]: 2 }), effect("kv.set", HOSTILE, HOSTILE)],
  });
  const failed = run({
    status: "failed",
    exitCode: 1,
    error: { code: "FUNCTION_FAILED", message: HOSTILE },
  });
  for (const [index, [recorded, candidate]] of [
    [was, is] as const,
    [was, failed] as const,
  ].entries()) {
    builder.add({
      ...pair(index + 1, recorded, candidate),
      invocationId: HOSTILE,
      eventId: HOSTILE,
      eventType: HOSTILE,
      function: HOSTILE,
    });
  }
  builder.skip({ invocationId: HOSTILE, reason: "no_recording" });
  return builder.report();
}
