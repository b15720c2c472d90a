import { NexusError } from "@nexus-functions/server/core/errors";
import { showNatsServer, type NatsOptions } from "@nexus-functions/server/core/nats";
import { atLeast, SYNC_ALWAYS_VERSION } from "@nexus-functions/server/core/nats-version";
import { silentTelemetry } from "@nexus-functions/server/telemetry/silent";
import { failed, ok, warning, type Finding } from "./finding.ts";

const PATIENCE_MS = 2000;

/** A nats-server that answers. */
export interface NatsFound {
  readonly version: string;
  readonly cluster: string | undefined;
  /** Whether it takes nobody without credentials. */
  readonly asksWho: boolean;
}

export interface CheckedNats {
  readonly findings: readonly Finding[];
  readonly found?: NatsFound;
}

/** Whether NATS is there, and what it can promise, where the log is to be kept in it. */
export async function checkNats(options: NatsOptions | undefined): Promise<CheckedNats> {
  if (options === undefined) return { findings: [] };
  const { connectNats } = await import("@nexus-functions/server/nats/connect");
  const { logger } = silentTelemetry();
  const where = options.servers.map(showNatsServer).join(", ");
  try {
    const context = { logger, name: "nexus doctor", patienceMs: PATIENCE_MS };
    const connection = await connectNats(options, context);
    const { version, cluster, auth_required: asksWho = false } = connection.info!;
    await connection.close();
    const found: NatsFound = { version, cluster, asksWho };
    return { findings: [promise(where, found)], found };
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return { findings: [failed("nats", error.message, error.facts.help)] };
  }
}

function promise(where: string, { version, cluster }: NatsFound): Finding {
  const found = `nats-server ${version} at ${where} has JetStream${cluster === undefined ? "" : `, cluster "${cluster}"`}`;
  if (atLeast(version, SYNC_ALWAYS_VERSION)) return ok("nats", found);
  return warning(
    "nats",
    `${found}; it syncs every two minutes, and no more often`,
    `Take ${SYNC_ALWAYS_VERSION} or newer, and set \`sync_interval: always\`: docs/nats.md.`,
  );
}
