import { Option, type Command } from "commander";
import type { Progress } from "@nexus-functions/server/backup";
import type { ArchiveCounts } from "@nexus-functions/server/archive/format";
import type { Output } from "./output.ts";
import { counted } from "./text.ts";

export interface BackupOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly driver?: "embedded" | "nats";
  readonly json?: boolean;
}

/** What `export` and `import` have in common: where the log is. */
export function withBackupOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "where NATS is named (NEXUS_CONFIG, nexus.yaml)")
    .option("--data-dir <dir>", "the data directory (NEXUS_DATA_DIR, .nexus)")
    .addOption(
      new Option(
        "--driver <name>",
        "which log: embedded or nats (nats where NATS_URL or the configuration names servers)",
      ).choices(["embedded", "nats"]),
    )
    .option("--json", "print JSON");
}

const CHECKING = "Checking the archive";

/** One line on a terminal, written over and over. */
export function showProgress(out: Output, doing: string, { what, done, of }: Progress): void {
  if (what === "checking") return out.progress(`${CHECKING} …`);
  const share = of === undefined || of === 0 ? "" : ` of ${of.toLocaleString("en")}`;
  out.progress(`${doing} ${what}: ${done.toLocaleString("en")}${share}`);
}

export function countsLine(counts: ArchiveCounts): string {
  return [
    counted(counts.events, "event"),
    counted(counts.invocations, "record"),
    counted(counts.dead_letters, "dead letter"),
    counted(counts.retries, "waiting retry", "waiting retries"),
    counted(counts.functions, "function's place", "functions' places"),
    counted(counts.modules, "module"),
    counted(counts.values, "value of state", "values of state"),
  ].join(", ");
}
