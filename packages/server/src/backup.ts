import { hostname } from "node:os";
import { join } from "node:path";
import { exportArchive, type Exported, type Progress } from "./archive/export.ts";
import { checkArchive, importArchive } from "./archive/import.ts";
import type { ArchiveCounts } from "./archive/format.ts";
import type { ServerConfig } from "./config.ts";
import { NexusError } from "./core/errors.ts";
import { DEFAULT_NATS_OPTIONS, type NatsOptions } from "./core/nats.ts";
import { clusterModules } from "./functions/cluster-modules.ts";
import type { ModuleStore } from "./functions/functions.ts";
import { moduleStore } from "./functions/module-store.ts";
import { loadNatsConfig } from "./functions/project.ts";
import { openSource, openTarget } from "./log/open-transfer.ts";
import type { LogOptions } from "./log/open.ts";
import { natsOptions } from "./nats/options.ts";
import { createLogger } from "./telemetry/logger.ts";
import { VERSION } from "./version.ts";

export type { Progress } from "./archive/export.ts";

export interface BackupOptions {
  /** Of the archive. */
  readonly path: string;
  /** Which of the logs that the configuration names; absent: the one that a server would use. */
  readonly driver?: LogOptions["driver"];
  /** Takes warnings about the connection, each with its line feed. */
  readonly write: (text: string) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export interface ExportResult extends Exported {
  readonly driver: string;
}

export interface ImportResult {
  readonly id: string;
  readonly driver: string;
  /** `done`: the archive was here already, and nothing was changed. */
  readonly begun: "begun" | "continued" | "done";
  readonly counts: ArchiveCounts;
}

/**
 * Writes all that a log and its module store hold into an archive, whether servers work on them or not.
 *
 * It reads the stores themselves: a server's HTTP API would have to hand out everything there is to whoever
 * reaches its port, and could not be asked while the server is down, which is when a backup is wanted most.
 */
export async function exportLog(
  config: ServerConfig,
  options: BackupOptions & { readonly resume: boolean },
): Promise<ExportResult> {
  await using opened = new AsyncDisposableStack();
  const log = await openOptions(config, options, opened);
  const source = opened.use(await openSource(log));
  const modules = await modulesOf(config, log);
  const exported = await exportArchive({
    ...options,
    source,
    modules,
    version: VERSION,
    now: Date.now,
  });
  return { ...exported, driver: source.driver };
}

async function modulesOf(
  { dataDir }: ServerConfig,
  log: LogOptions,
): Promise<Pick<ModuleStore, "get" | "list">> {
  const local = moduleStore(join(dataDir, "modules"));
  if (log.driver !== "nats") return local;
  const { natsSharedVersions } = await import("./functions/drivers/nats.ts");
  const { prefix = DEFAULT_NATS_OPTIONS.prefix } = log;
  // With the copies asked for: the export may be the first to open these buckets.
  return clusterModules(local, await natsSharedVersions({ ...log, prefix }));
}

/** Brings an archive into a log that no server works on, and its modules into the module store. */
export async function importLog(
  config: ServerConfig,
  options: BackupOptions,
): Promise<ImportResult> {
  const archive = await checkArchive(options.path, options);
  await using opened = new AsyncDisposableStack();
  const target = opened.use(await openTarget(await openOptions(config, options, opened)));
  const modules = moduleStore(join(config.dataDir, "modules"));
  const begun = await importArchive({ ...options, archive, target, modules });
  const { header, counts } = archive;
  return { id: header.id, driver: target.driver, begun, counts };
}

/** Where the log is. What has to be opened for it goes on `opened`. */
async function openOptions(
  config: ServerConfig,
  { driver, write, signal }: BackupOptions,
  opened: AsyncDisposableStack,
): Promise<LogOptions> {
  const nats = driver === "embedded" ? undefined : await natsOf(config);
  if (nats === undefined) {
    if (driver !== "nats") return { driver: "embedded", dir: join(config.dataDir, "log") };
    throw new NexusError(
      "CONFIG_INVALID",
      "Cannot connect to NATS: neither NATS_URL nor `nats.servers` in nexus.yaml names a server",
    );
  }
  const { connectNats } = await import("./nats/connect.ts");
  const logger = createLogger({
    level: "warn",
    format: "pretty",
    write,
    now: () => new Date(),
    colour: false,
  });
  const name = `nexus ${hostname()} ${process.pid}`;
  const connection = opened.adopt(await connectNats(nats, { logger, name }, signal), (each) =>
    each.close(),
  );
  const { prefix, replicas, ackWaitMs } = nats;
  return {
    driver: "nats",
    connection,
    prefix,
    ackWaitMs,
    ...(replicas === undefined ? {} : { replicas }),
  };
}

async function natsOf(config: ServerConfig): Promise<NatsOptions | undefined> {
  const { configFile } = config;
  return natsOptions(
    config,
    configFile === undefined ? undefined : await loadNatsConfig(configFile),
  );
}
