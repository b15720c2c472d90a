import { join } from "node:path";
import type { ServerConfig } from "./config.ts";
import { tokenHash, type ApiToken } from "./core/api-token.ts";
import { NexusError } from "./core/errors.ts";
import type { FunctionVersion } from "./core/function.ts";
import type { Deployed } from "./deploy.ts";
import { createDispatcher } from "./dispatch/dispatcher.ts";
import { grantedEffects } from "./effects/granted.ts";
import { missingSecrets, readSecrets } from "./effects/secrets.ts";
import { runRetention } from "./dispatch/retention.ts";
import { runVerification } from "./dispatch/verification.ts";
import { moduleStore } from "./functions/module-store.ts";
import { versionArchive } from "./functions/version-archive.ts";
import { createRegistry } from "./functions/registry.ts";
import { configJsonSchema } from "./functions/schema.ts";
import { watchProject } from "./functions/watch.ts";
import { createAccess } from "./http/access.ts";
import { createApp } from "./http/app.ts";
import { listen } from "./http/node.ts";
import type { NatsDoor } from "./nats/door.ts";
import { natsOptions } from "./nats/options.ts";
import { openAccess } from "./open-access.ts";
import { openService } from "./open-service.ts";
import { openStore } from "./open-store.ts";
import { readProject } from "./read-project.ts";
import { threadRuntime } from "./runtime/host/thread-runtime.ts";
import { diskOf, memoryLimit } from "./telemetry/machine.ts";
import { createLogger } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import type { Logger } from "./telemetry/telemetry.ts";
import { createTracer, tracingConfig } from "./telemetry/tracing.ts";
import { tracedLog } from "./traced-log.ts";
import { VERSION } from "./version.ts";

export interface ServerOptions {
  /** Takes log lines, each with its line feed. */
  readonly write: (text: string) => void;
  readonly colour: boolean;
  /**
   * Shows a person the API token that was made because none is set, beyond loopback. Without it such a
   * server does not start.
   */
  readonly showToken?: (token: string) => void;
  /** A token of the caller's own, of scope `read`, good for this run where tokens are asked for. */
  readonly ownToken?: string;
  /** Told after every reload that took effect or was refused; without it, the log is. */
  readonly onReload?: (result: Reload) => void;
}

export type Reload =
  | ({ readonly ok: true } & Deployed)
  /** The functions in service stayed as they were. */
  | { readonly ok: false; readonly error: NexusError };

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  functions(): readonly FunctionVersion[];
  /** Reads the project again and puts it into service, or refuses it and changes nothing. */
  reload(): Promise<Reload>;
  /**
   * Takes nothing new, lets what runs finish, and stops. When `signal` aborts, or after the configured
   * time to drain, guests are stopped; their deliveries come again after the restart. Safe to call twice.
   */
  close(signal?: AbortSignal): Promise<void>;
}

export { VERSION };

/** How long a stop waits for the collector of traces, which may be away. */
const LAST_SPANS_MS = 2000;

/**
 * Starts everything; resolves when the server answers requests. Rejects with CONFIG_NOT_FOUND,
 * CONFIG_INVALID, MODULE_INVALID, DATA_DIR_UNUSABLE, DATA_DIR_LOCKED, NATS_UNREACHABLE, NATS_UNSUPPORTED,
 * PORT_UNAVAILABLE or UNSUPPORTED,
 * and then nothing of it runs any more.
 */
export async function startServer(
  config: ServerConfig,
  options: ServerOptions,
): Promise<RunningServer> {
  const now = Date.now;
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    write: options.write,
    now: () => new Date(now()),
    colour: options.colour,
  });
  const secrets = await readSecrets(config.secrets);
  let project = await readProject(config);
  let watched = project.files;

  // Whatever of this is open when a later step fails is closed again, last first.
  await using opened = new AsyncDisposableStack();
  const tracer = await createTracer(tracingConfig(config.otel), { version: VERSION, logger });
  opened.defer(() => tracer.flush(AbortSignal.timeout(LAST_SPANS_MS)));
  const nats = natsOptions(config, project.nats);
  const store = opened.use(await openStore(nats, { dataDir: config.dataDir, logger }));
  const log = tracer.enabled ? tracedLog(store.log, tracer) : store.log;
  const modules = moduleStore(join(config.dataDir, "modules"));
  const versions = versionArchive(config.dataDir, modules);
  const runtime = threadRuntime(config.workers === undefined ? {} : { workers: config.workers });
  opened.defer(() => runtime.close(AbortSignal.abort()));
  const registry = createRegistry();
  const metrics = createMetrics({
    build: { version: VERSION, driver: log.driver },
    functions: () => registry.list().length,
    lag: () => log.lag(),
    runtime: () => runtime.status(),
    log: () => log.status(),
    disk: () => diskOf(config.dataDir),
    memoryLimitBytes: memoryLimit(),
  });
  const telemetry = { logger, meter: metrics.meter, tracer };

  const service = await openService(
    store,
    { modules, versions, runtime, registry },
    { config, logger },
  );
  await service.deploy(project);
  const settings = () => project.platform;
  const dispatch = createDispatcher({
    log,
    functions: registry,
    versions,
    runtime,
    effects: grantedEffects({ state: log.state, secrets, now }),
    telemetry,
    settings,
    now,
    random: Math.random,
  });
  opened.defer(() => dispatch.stop(AbortSignal.abort()));

  const tokens = await openAccess(config, options);
  const own = options.ownToken;
  const callers: readonly ApiToken[] =
    own === undefined ? [] : [{ scope: "read", sha256: tokenHash(own) }];
  const closing = new AbortController();
  const handler = createApp({
    log,
    functions: registry,
    dispatch,
    telemetry,
    settings,
    access: tokens === undefined ? undefined : createAccess([...tokens, ...callers]),
    trustedProxies: config.trustedProxies,
    metrics: metrics.reader,
    configSchema: configJsonSchema,
    info: { version: VERSION, startedAt: now() },
    ready() {
      const reasons = closing.signal.aborted ? ["The server is stopping"] : service.lacking();
      return { ready: reasons.length === 0, reasons };
    },
    now: () => new Date(now()),
  });
  const door = await openDoor();
  const http = await listen(handler, { host: config.host, port: config.port, logger });

  const isIdle = (): boolean => {
    const { busy, queued } = runtime.status();
    return busy + queued === 0;
  };
  const background = [
    runRetention({ log, logger, settings }, closing.signal),
    runVerification({ log, dispatch, telemetry, settings, isIdle }, closing.signal),
    service.follow(closing.signal),
  ];
  if (config.watch) background.push(follow());
  const resources = opened.move();
  let closed: Promise<void> | undefined;
  announce();

  return {
    url: http.url,
    port: http.port,
    functions: () => registry.list(),
    reload,
    close: (signal) => (closed ??= close(signal)),
  };

  async function reload(): Promise<Reload> {
    const result = await tryReload();
    if (options.onReload === undefined) report(result, logger);
    else options.onReload(result);
    return result;
  }

  async function tryReload(): Promise<Reload> {
    try {
      const next = await readProject(config, project);
      const deployed = await service.deploy(next);
      warnOfSecrets(deployed.changed);
      project = next;
      watched = next.files;
      return { ok: true, ...deployed };
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      // A file that was missed or refused is what will change next, so it is watched as well.
      watched = (error.details["files"] as typeof watched | undefined) ?? watched;
      return { ok: false, error };
    }
  }

  async function follow(): Promise<void> {
    for await (const _ of watchProject(() => watched, closing.signal)) await reload();
  }

  async function close(signal?: AbortSignal): Promise<void> {
    logger.info("Stopping: taking nothing new, finishing what runs");
    closing.abort();
    const patience = AbortSignal.timeout(config.drainMs);
    const enough = signal === undefined ? patience : AbortSignal.any([signal, patience]);
    await door?.close(enough);
    await Promise.all([http.close(enough), dispatch.stop(enough)]);
    await Promise.all(background);
    await runtime.close(enough);
    await resources.disposeAsync();
    logger.info("Stopped");
  }

  /** The door to NATS, where the log is there. */
  async function openDoor(): Promise<NatsDoor | undefined> {
    if (store.nats === undefined) return undefined;
    const { connection, options: nats } = store.nats;
    const { startNatsDoor } = await import("./nats/door.ts");
    const deps = { connection, log, functions: registry, dispatch, telemetry, settings, now };
    const opening = await startNatsDoor(deps, nats);
    opened.defer(() => opening.close(AbortSignal.abort()));
    return opening;
  }

  function warnOfSecrets(functions: readonly FunctionVersion[]): void {
    for (const fn of functions) {
      for (const secret of missingSecrets(fn, secrets)) {
        logger.warn("A function is granted a secret that is not given", {
          function: fn.name,
          secret,
        });
      }
    }
  }

  function announce(): void {
    for (const warning of project.warnings) logger.warn(warning);
    warnOfSecrets(registry.list());
    logger.info("Ready", {
      url: http.url,
      version: VERSION,
      pid: process.pid,
      data_dir: config.dataDir,
      log_driver: log.driver,
      functions: registry.list().map(({ name, version }) => `${name}@${version.slice(0, 12)}`),
    });
  }
}

function report(result: Reload, logger: Logger): void {
  if (!result.ok) {
    const { code, message } = result.error;
    logger.error("Cannot reload: the functions in service stay as they were", {
      code,
      error: message,
    });
    return;
  }
  for (const { name, version } of result.changed) {
    logger.info("Now serving", { function: name, version });
  }
  for (const name of result.removed) logger.info("No longer serving", { function: name });
}
