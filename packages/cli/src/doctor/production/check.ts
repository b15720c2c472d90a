import type { Finding } from "../finding.ts";
import type { Setup } from "./setup.ts";

/** One thing that a program can see of a production set-up. */
export interface Check {
  /** Stable: scripts and runbooks name it. */
  readonly name: string;
  /** What it wants, for docs/production-checks.md. */
  readonly wants: string;
  /** Undefined: of no concern in this set-up. */
  readonly look: (setup: Setup) => Verdict | undefined;
}

export type Verdict = Omit<Finding, "check">;

export function good(detail: string): Verdict {
  return { state: "ok", detail };
}

export function doubtful(detail: string, remedy: string): Verdict {
  return { state: "warning", detail, remedy };
}

export function bad(detail: string, remedy: string): Verdict {
  return { state: "failed", detail, remedy };
}
