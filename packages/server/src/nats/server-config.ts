import { join } from "node:path";
import { atLeast, SYNC_ALWAYS_VERSION } from "../core/nats-version.ts";

/** How a nats-server of our own is set up. */
export interface NatsServerSettings {
  /** Its store, and the files it tells its ports in, live here. */
  readonly dir: string;
  readonly version: string;
  /** Absent: any free one. */
  readonly port?: number;
  /** Its HTTP monitoring, on any free port. */
  readonly monitoring?: boolean;
  /** `false`: a server without JetStream. */
  readonly jetStream?: JetStreamLimits | false;
  /** Further settings, as nats-server calls them. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface JetStreamLimits {
  readonly maxFileBytes?: number;
}

/** What a client may send at once: the largest event that nexus.yaml allows is 64 MiB, the usual one 1 MiB. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

/** Where a server says which ports it has, in a file of its own. */
export function portsDir(dir: string): string {
  return join(dir, "ports");
}

export function configFileOf(dir: string): string {
  return join(dir, "nats-server.conf");
}

/**
 * The configuration file of a nats-server on loopback: JSON, which is also its own format. Every write
 * is synced before it is acknowledged where the server can do that; 2.9 refuses the setting.
 */
export function natsServerConfig(settings: NatsServerSettings): string {
  const { dir, version, port = -1, monitoring = false, jetStream = {}, extra } = settings;
  const config = {
    listen: `127.0.0.1:${port}`,
    ...(monitoring ? { http: "127.0.0.1:-1" } : {}),
    ports_file_dir: portsDir(dir),
    max_payload: MAX_PAYLOAD_BYTES,
    ...(jetStream === false ? {} : { jetstream: jetStreamConfig(dir, version, jetStream) }),
    ...extra,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function jetStreamConfig(dir: string, version: string, { maxFileBytes }: JetStreamLimits) {
  return {
    store_dir: join(dir, "store"),
    ...(atLeast(version, SYNC_ALWAYS_VERSION) ? { sync_interval: "always" } : {}),
    ...(maxFileBytes === undefined ? {} : { max_file_store: maxFileBytes }),
  };
}
