import type { ServerConfig } from "./config.ts";
import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import { requestRate } from "./core/settings.ts";
import { emptyProject, loadProject, type Project } from "./functions/project.ts";
import { natsOptions } from "./nats/options.ts";

/**
 * The project of this node, with what it means for the log that is asked for. On NATS a node may have
 * none: it serves what others deploy. CONFIG_NOT_FOUND, CONFIG_INVALID, UNSUPPORTED.
 */
export async function readProject(config: ServerConfig, previous?: Project): Promise<Project> {
  const project = await read(config, previous);
  const { rateLimit } = config;
  if (rateLimit === undefined) return project;
  const { platform } = project;
  const limits = { ...platform.rateLimit, requests: requestRate(rateLimit) };
  return { ...project, platform: { ...platform, rateLimit: limits } };
}

async function read(config: ServerConfig, previous: Project | undefined): Promise<Project> {
  const { configFile, functionsDir, natsPrefix } = config;
  if (configFile === undefined && functionsDir === undefined) {
    if (natsOptions(config) !== undefined) return emptyProject();
    throw new NexusError(
      "CONFIG_NOT_FOUND",
      "Cannot start: there is no nexus.yaml in this folder, and no functions directory is named",
    );
  }
  const project = await loadProject({
    ...(configFile === undefined ? {} : { configFile }),
    ...(functionsDir === undefined ? {} : { functionsDir }),
    ...(natsPrefix === undefined ? {} : { natsPrefix }),
    ...(previous === undefined ? {} : { previous }),
  });
  if (natsOptions(config, project.nats) !== undefined) return project;
  return { ...project, warnings: [...project.warnings, ...project.functions.flatMap(withoutNats)] };
}

// One nexus.yaml is to serve a laptop and a cluster: what it says of NATS alone must not stop the laptop.
function withoutNats({ name, triggers }: FunctionVersion): string[] {
  const others = triggers.filter(({ kind }) => kind !== "nats");
  if (others.length === triggers.length) return [];
  const why = 'its trigger "nats" needs the NATS driver, and the log is the embedded one';
  if (others.length === 0) {
    throw new NexusError("UNSUPPORTED", `Cannot serve function "${name}": ${why}`);
  }
  return [`Function "${name}" is served without NATS: ${why}`];
}
