import { counted } from "../../text.ts";
import { formatBytes } from "../../units.ts";
import { bad, doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Setup } from "./setup.ts";

/** What the process has, and what it tells. */
export const PROCESS_CHECKS: readonly Check[] = [
  {
    name: "user",
    wants: "the server does not run as root",
    look: ({ machine: { uid } }) =>
      uid === undefined
        ? undefined
        : uid === 0
          ? bad("this is root", "Run the server, and this, as a user of its own.")
          : good(`user ${uid}`),
  },
  {
    name: "node-release",
    wants: "a line of Node with long-term support",
    look: ({ machine: { node } }) =>
      Number(node.split(".")[0]) % 2 === 0
        ? good(node)
        : doubtful(`${node} is of a line without long-term support`, "Take an even one."),
  },
  {
    name: "memory",
    wants: "functions and the server fit into the memory there is, and a limit is set",
    look: memory,
  },
  {
    name: "open-files",
    wants: "a connection more does not fail for want of a descriptor",
    look: openFiles,
  },
  {
    name: "log-format",
    wants: "logs are JSON, for machines",
    look: ({ config: { logFormat } }) =>
      logFormat === "json"
        ? good("json")
        : doubtful(`${logFormat} is for people`, "Leave NEXUS_LOG_FORMAT out, or set it to json."),
  },
  {
    name: "log-level",
    wants: "logs hold what matters, and not every step",
    look: ({ config: { logLevel } }) =>
      logLevel === "debug"
        ? doubtful("debug: lines for every event", "Set NEXUS_LOG_LEVEL to info.")
        : good(logLevel),
  },
];

// docs/runtime.md, What does not: what a thread and the rest of the process take beside the functions.
const THREAD_BYTES = 64 * 2 ** 20;
const SERVER_BYTES = 192 * 2 ** 20;

function memory({ project, config, machine }: Setup): Verdict | undefined {
  if (project === undefined) return undefined;
  const threads = config.workers ?? Math.max(2, machine.cores);
  const largest = Math.max(0, ...project.functions.map(({ limits }) => limits.memoryBytes));
  const needed = SERVER_BYTES + threads * (THREAD_BYTES + largest);
  const sum = `${counted(threads, "thread")} × ${formatBytes(largest)} for functions, and the server, are ${formatBytes(needed)}`;
  const has = `${formatBytes(machine.memoryBytes)} ${machine.memoryIsLimited ? "are allowed" : "are in this machine"}`;
  if (needed > machine.memoryBytes) {
    return bad(
      `${sum}; ${has}`,
      "Lower `memory` of functions or NEXUS_WORKERS, or allow more: the system ends what goes over it.",
    );
  }
  return machine.memoryIsLimited
    ? good(`${sum}; ${has}`)
    : doubtful(
        `${sum}; ${has}, and there is no limit`,
        "Set one above that sum: of the container, or `MemoryMax` of the systemd unit.",
      );
}

const FEW_FILES = 1024;
const ENOUGH_FILES = 8192;

function openFiles({ machine: { openFiles } }: Setup): Verdict | undefined {
  if (openFiles === undefined) return undefined;
  const shown = openFiles === Infinity ? "no limit" : `${openFiles} descriptors`;
  const remedy = "Raise `ulimit -n` to 65536, or `LimitNOFILE` of the systemd unit.";
  if (openFiles < FEW_FILES) return bad(shown, remedy);
  return openFiles < ENOUGH_FILES ? doubtful(shown, remedy) : good(shown);
}
