import { isLoopback } from "@nexus-functions/server/core/loopback";
import { counted } from "../../text.ts";
import { formatDuration } from "../../units.ts";
import { bad, doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Served } from "./served.ts";
import type { Setup } from "./setup.ts";

/** What the server that answers at the URL says. */
export const RUNNING_CHECKS: readonly Check[] = [
  {
    name: "server-answers",
    wants: "a server answers at the URL; without one, nothing below is checked",
    look: ({ served, url }) =>
      served === undefined
        ? doubtful(`nobody at ${url}: nothing of a running server was checked`, "See --url.")
        : good(url),
  },
  ofServed("server-version", "server and command are of one version", sameVersion),
  ofServed("server-ready", "the server is ready", ({ notReady }) =>
    notReady.length === 0 ? good("ready") : bad(notReady.join("; "), "See GET /readyz."),
  ),
  ofServed("server-guarded", "the API answers nobody without a token", guarded),
  ofServed("server-clock", "the server's clock is right", clock),
  ofServed("metrics-access", "figures can be read with the token at hand", ({ figures }) =>
    typeof figures === "string"
      ? doubtful(`${figures}; dead letters and backlog were not checked`, "See --token-file.")
      : good("read"),
  ),
  ofServed("dead-letters", "nothing waits for a decision", deadLetters),
  ofServed("backlog", "functions keep up with events", backlog),
];

function ofServed(
  name: string,
  wants: string,
  look: (served: Served, setup: Setup) => Verdict | undefined,
): Check {
  const lookAt = (setup: Setup): Verdict | undefined =>
    setup.served === undefined ? undefined : look(setup.served, setup);
  return { name, wants, look: lookAt };
}

function sameVersion({ health }: Served, { version }: Setup): Verdict {
  return health.version === version
    ? good(version)
    : doubtful(
        `the server is ${health.version}, this command ${version}`,
        "Take the same version of both: what they know of each other is that of one.",
      );
}

function guarded({ isOpen }: Served, { url }: Setup): Verdict {
  if (!isOpen) return good("without a token it is 401");
  const found = "anybody who reaches it may publish, replay and read everything";
  const remedy = "Set NEXUS_API_TOKEN or NEXUS_API_TOKEN_FILE, and start it again.";
  return isLoopback(new URL(url).hostname) ? doubtful(found, remedy) : bad(found, remedy);
}

const SKEW_MS = 5000;

function clock({ aheadMs }: Served): Verdict | undefined {
  if (aheadMs === undefined) return undefined;
  const off = Math.abs(aheadMs);
  return off <= SKEW_MS
    ? good("as this one's")
    : doubtful(
        `${formatDuration(off)} ${aheadMs > 0 ? "ahead of" : "behind"} this one's`,
        "Synchronise both (chrony, systemd-timesyncd): retention, cron and retries go by it.",
      );
}

function deadLetters({ figures }: Served): Verdict | undefined {
  if (typeof figures === "string") return undefined;
  return figures.deadLetters === 0
    ? good("none")
    : doubtful(
        counted(figures.deadLetters, "dead letter"),
        "`nexus dlq` lists them; `nexus dlq redrive` runs them again once the cause is mended.",
      );
}

const LATE_SECONDS = 60;
const STUCK_SECONDS = 15 * 60;

function backlog({ figures }: Served): Verdict | undefined {
  if (typeof figures === "string") return undefined;
  const late = figures.functions.filter(({ lagSeconds }) => lagSeconds > LATE_SECONDS);
  if (late.length === 0) return good("no function is more than a minute behind");
  const shown = late.map(
    ({ name, lagSeconds, waiting, retrying }) =>
      `${name} is ${formatDuration(lagSeconds * 1000)} behind (${waiting} waiting, ${retrying} retrying)`,
  );
  const remedy = "See `nexus metrics` and `nexus logs`: does it fail, or is `concurrency` too low?";
  return late.some(({ lagSeconds }) => lagSeconds > STUCK_SECONDS)
    ? bad(shown.join("; "), remedy)
    : doubtful(shown.join("; "), remedy);
}
