import type { ServerConfig } from "@nexus-functions/server/config";
import { prettyLine, type PrettyEntry } from "@nexus-functions/server/telemetry/pretty";
import type { Cli } from "./cli.ts";

/** How `nexus dev` has the server log, and what it does with the lines. */
export interface DevLog extends Pick<ServerConfig, "logFormat"> {
  /** Absent: what the environment says. */
  readonly logLevel: ServerConfig["logLevel"] | undefined;
  readonly write: (text: string) => void;
}

/**
 * Warnings and errors, without those about a run that failed: dev shows each run in lines of its own.
 * Who sets NEXUS_LOG_LEVEL gets the whole log of that level.
 */
export function devLog({ env, out }: Cli): DevLog {
  if (env["NEXUS_LOG_LEVEL"]) {
    return { logLevel: undefined, logFormat: "pretty", write: (text) => out.write(text) };
  }
  return {
    logLevel: "warn",
    logFormat: "json",
    write(text) {
      const { time, level, message, ...fields } = JSON.parse(text) as LogLine;
      if ("attempt" in fields) return;
      out.write(prettyLine({ time: new Date(time), level, message, fields }, out.colour));
    },
  };
}

type LogLine = Omit<PrettyEntry, "time" | "fields"> &
  PrettyEntry["fields"] & { readonly time: string };
