import { hostname } from "node:os";
import type { ServerConfig } from "./config.ts";
import { aloneService, type DeployTarget, type Service } from "./deploy.ts";
import type { OpenStore } from "./open-store.ts";
import type { Logger } from "./telemetry/telemetry.ts";

/**
 * On NATS, versions are the cluster's; else those of this node's files, which hold alone too where NATS runs
 * for this process only. LOG_UNAVAILABLE.
 */
export async function openService(
  { nats }: OpenStore,
  target: DeployTarget,
  { config, logger }: { readonly config: ServerConfig; readonly logger: Logger },
): Promise<Service> {
  if (nats === undefined || config.ownNats) return aloneService(target);
  const { natsSharedVersions } = await import("./functions/drivers/nats.ts");
  const { ClusterService } = await import("./follow-cluster.ts");
  const { connection, options } = nats;
  const { prefix, replicas, project } = options;
  const shared = await natsSharedVersions({
    connection,
    prefix,
    ...(replicas === undefined ? {} : { replicas }),
  });
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
