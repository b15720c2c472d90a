import type { ReplayReport } from "@nexus-functions/server/replay/report";

/**
 * What a report is worth as a check. `changed`: every run has to be the same. `failing`: none may newly fail,
 * nor diverge, of which nobody knows whether it fails.
 */
export const FAIL_ON = ["changed", "failing"] as const;

export type FailOn = (typeof FAIL_ON)[number];

/**
 * The exit code of a check, 0 or 1. A report of no runs fails it: a check that has checked nothing must not
 * look like one that found nothing.
 */
export function failOnExitCode({ compared, counts }: ReplayReport, failOn: FailOn): 0 | 1 {
  if (compared === 0) return 1;
  const failing = counts.newly_failing + counts.diverged;
  const found = failOn === "failing" ? failing : compared - counts.same;
  return found === 0 ? 0 : 1;
}
