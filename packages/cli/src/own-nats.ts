import { natsServerPlace, type ServerConfig } from "@nexus-functions/server/config";
import type { DevNats } from "@nexus-functions/server/nats/dev-server";
import type { Cli } from "./cli.ts";

export type OwnNats = DevNats;

/**
 * The nats-server of `nexus dev --nats`, in the data directory. When it dies, so does the command: the
 * server that stands on it could only refuse events from then on.
 */
export async function startNats(cli: Cli, { dataDir }: ServerConfig): Promise<OwnNats> {
  const { startDevNats } = await import("@nexus-functions/server/nats/dev-server");
  const nats = await startDevNats({ dataDir, where: natsServerPlace(cli.env) }, cli.signal);
  let stopping: Promise<void> | undefined;
  void nats.ended.then(({ why }) => {
    if (stopping === undefined) endBecause(cli, why);
  });
  return { ...nats, stop: () => (stopping ??= nats.stop()) };
}

function endBecause({ out }: Cli, why: string): never {
  out.note(`${out.notePaint("red", "nexus:")} NATS is gone: ${why}`);
  out.note("  What was accepted is in the data directory: start again to go on.");
  process.exit(1);
}

/** The configuration of a server that uses it, whatever the environment and nexus.yaml say. */
export function withNats(config: ServerConfig, { url }: OwnNats): ServerConfig {
  return { ...config, natsUrl: url, ownNats: true };
}
