import {
  DEFAULT_NATS_OPTIONS,
  natsServers,
  type NatsConfig,
  type NatsOptions,
} from "../core/nats.ts";

/** What the environment and the command line say; see `ServerConfig`. */
export interface NatsOverrides {
  readonly natsUrl?: string;
  readonly natsPrefix?: string;
  readonly natsProject?: string;
  readonly ownNats: boolean;
}

/**
 * What holds of NATS, every default filled in; undefined where no servers are named, and the embedded
 * log is to be used. The environment wins over nexus.yaml.
 */
export function natsOptions(
  { natsUrl, natsPrefix, natsProject, ownNats }: NatsOverrides,
  written: NatsConfig = {},
): NatsOptions | undefined {
  const servers = natsUrl === undefined ? written.servers : natsServers(natsUrl);
  if (servers === undefined) return undefined;
  const prefix = natsPrefix ?? written.prefix;
  const project = natsProject ?? written.project;
  const ackWaitMs = written.ackWaitMs ?? DEFAULT_NATS_OPTIONS.ackWaitMs;
  return {
    ...DEFAULT_NATS_OPTIONS,
    ...(ownNats ? {} : written),
    ackWaitMs,
    servers,
    ...(prefix === undefined ? {} : { prefix }),
    ...(project === undefined ? {} : { project }),
  };
}
