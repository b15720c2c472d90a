import { formatBytes } from "../../units.ts";
import { bad, doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Setup } from "./setup.ts";

/** What is kept, and where. */
export const DATA_CHECKS: readonly Check[] = [
  {
    name: "data-dir-access",
    wants: "the data directory is the server's user's, and closed to others",
    look: access,
  },
  {
    name: "data-dir-volume",
    wants: "the data directory outlives the process: a local disk or a volume",
    look: volume,
  },
  {
    name: "disk-room",
    wants: "the disk has room for what retention lets the log grow to",
    look: diskRoom,
  },
  {
    name: "retention",
    wants: "events and invocation records do not pile up for ever",
    look: retention,
  },
  {
    name: "durability",
    wants: "what an acknowledgement is worth, in the server's words",
    look: durability,
  },
];

function access({ dataDir: { path, access }, machine: { uid } }: Setup): Verdict {
  if (access === undefined) return good(`${path} will be made`);
  const shown = `${path} has mode ${access.mode.toString(8).padStart(4, "0")}`;
  if (uid !== undefined && access.uid !== uid) {
    const remedy = "Run this as the server's user, or give it the directory with chown.";
    return bad(`${path} belongs to user ${access.uid}, and this is user ${uid}`, remedy);
  }
  if ((access.mode & 0o002) !== 0)
    return bad(`${shown}: anybody may change it`, `chmod 0700 ${path}`);
  return (access.mode & 0o005) === 0
    ? good(shown)
    : doubtful(`${shown}: whoever is on this machine may read events`, `chmod 0700 ${path}`);
}

function volume({ dataDir: { path, kind }, nats }: Setup): Verdict {
  if (kind === "disk") return good(`${path} is on a local disk`);
  if (nats !== undefined) return good(`${path} is on ${KINDS[kind]}; it holds copies of modules`);
  return bad(
    `${path} is on ${KINDS[kind]}`,
    "Keep it on a local disk or a block volume: see NEXUS_DATA_DIR.",
  );
}

const KINDS = {
  memory: "a file system in memory: it is gone with the machine",
  network: "a network file system: its locks and its fsync cannot be relied on",
  "container layer": "the container's own layer: it is gone with the container",
} as const;

/** Below this share of the disk it is time to act. */
const LITTLE = 0.1;

function diskRoom({ dataDir, project, served, nats }: Setup): Verdict | undefined {
  if (nats !== undefined) return undefined;
  const { freeBytes, totalBytes } = dataDir;
  const free = `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}`;
  const bounds = [project?.platform.retention.events, project?.platform.retention.invocations];
  const bounded = bounds.flatMap((bound) => bound?.maxBytes ?? []);
  const kept = served?.health.log.bytes ?? 0;
  const growth = Math.max(0, bounded.reduce((sum, bytes) => sum + bytes, 0) - kept);
  if (growth > freeBytes) {
    return bad(
      `${free}, and retention lets the log grow by ${formatBytes(growth)}`,
      "Lower `max_size` in `retention`, or take a larger disk: a full one refuses events.",
    );
  }
  if (freeBytes < LITTLE * totalBytes) {
    return doubtful(free, "Free some, or take a larger disk: a full one refuses events.");
  }
  return bounded.length === bounds.length
    ? good(`${free}; retention lets the log grow by ${formatBytes(growth)}`)
    : good(`${free}; \`max_size\` of \`retention\` would bound what is used`);
}

function retention({ project }: Setup): Verdict | undefined {
  if (project === undefined) return undefined;
  const { retention } = project.platform;
  const unbounded = (["events", "invocations"] as const).filter(
    (what) => retention[what].maxAgeMs === undefined && retention[what].maxBytes === undefined,
  );
  return unbounded.length === 0
    ? good("events and invocations are bounded")
    : doubtful(
        `${unbounded.join(" and ")} are kept for ever`,
        'Set `retention: { events: { max_age: "30d" }, invocations: { max_age: "7d" } }`.',
      );
}

function durability({ served, nats }: Setup): Verdict {
  if (served !== undefined) {
    const { connected, driver, durability: promise } = served.health.log;
    return connected
      ? good(promise)
      : bad(
          `${driver} cannot be reached`,
          "Events are refused until it can be; see the server's log.",
        );
  }
  return nats === undefined
    ? good("embedded: on this machine's disk before it is acknowledged; one copy, so export it")
    : good("NATS: see nats-replicas and nats-version");
}
