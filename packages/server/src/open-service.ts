import { hostname } from "node:os";
import type { ServerConfig } from "./config.ts";
import { aloneService, type DeployTarget, type Service } from "./deploy.ts";
import type { OpenStore } from "./open-store.ts";
import type { SharedVersions } from "./functions/shared.ts";
import type { Logger } from "./telemetry/telemetry.ts";

/**
 * The versions that all nodes serve, where they do: not where this node is alone, also with a NATS that runs
 * for this process only. LOG_UNAVAILABLE.
 */
export async function openShared(
  { nats }: OpenStore,
  { ownNats }: ServerConfig,
): Promise<SharedVersions | undefined> {
  if (nats === undefined || ownNats) return undefined;
  const { natsSharedVersions } = await import("./functions/drivers/nats.ts");
  const { connection, options } = nats;
  const { prefix, replicas } = options;
  return natsSharedVersions({
    connection,
    prefix,
    ...(replicas === undefined ? {} : { replicas }),
  });
}

/** Versions are the cluster's where it has any; else those of this node's files. */
export async function openService(
  { nats }: OpenStore,
  shared: SharedVersions | undefined,
  target: DeployTarget,
  { config, logger }: { readonly config: ServerConfig; readonly logger: Logger },
): Promise<Service> {
  if (shared === undefined) return aloneService(target);
  const { ClusterService } = await import("./follow-cluster.ts");
  const project = nats?.options.project;
  const { deployId } = config;
  const node = `${hostname()} ${process.pid}`;
  const deployer = { node, ...(deployId === undefined ? {} : { deployId }) };
  return new ClusterService({
    shared,
    target,
    deployer,
    logger,
    ...(project === undefined ? {} : { project }),
  });
}
