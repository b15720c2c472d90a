// The door to NATS on real rooms: a real nats-server, real store, real threads, real modules.
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlatformSettings } from "../core/settings.ts";
import { deploy } from "../deploy.ts";
import { grantedEffects } from "../effects/granted.ts";
import { createDispatcher } from "../dispatch/dispatcher.ts";
import { moduleStore } from "../functions/module-store.ts";
import { versionArchive } from "../functions/version-archive.ts";
import { loadProject } from "../functions/project.ts";
import { createRegistry } from "../functions/registry.ts";
import { embeddedLog } from "../log/drivers/embedded.ts";
import type { EventLog, Page } from "../log/log.ts";
import { startNatsDoor, type NatsDoor, type NatsDoorDeps } from "../nats/door.ts";
import { threadRuntime } from "../runtime/host/thread-runtime.ts";
import { silentTelemetry } from "../telemetry/silent.ts";
import type { FinishedSpan, LogFields } from "../telemetry/telemetry.ts";
import { echoModule, failModule, loopModule } from "./modules.ts";

export interface TestDoor extends AsyncDisposable {
  /** Of a program that knows nothing of the platform. */
  readonly client: NatsConnection;
  readonly log: EventLog;
  readonly door: NatsDoor;
  readonly deps: NatsDoorDeps;
  readonly spans: readonly FinishedSpan[];
  /** What was logged at `warn` or `error`. */
  readonly lines: readonly { readonly message: string; readonly fields: LogFields }[];
  /** What was rejected, by code. */
  readonly rejected: readonly string[];
  /** Puts these functions into service. */
  deploy(functions: string): Promise<void>;
  /** Opens another door, as another node would have it, on the same log. */
  another(): Promise<NatsDoor & { readonly connection: NatsConnection }>;
}

export interface TestDoorOptions {
  /** Entries of `functions:`; their code is `echo`, `fail` or `loop`. */
  readonly functions?: string;
  readonly ackWaitMs?: number;
  /** In front of the log, for what it does when it cannot. */
  readonly log?: (log: EventLog) => EventLog;
  /** Further settings of nexus.yaml. */
  readonly yaml?: string;
}

export async function testDoor(url: string, options: TestDoorOptions = {}): Promise<TestDoor> {
  const { functions = "[]", ackWaitMs = 2000, yaml = "" } = options;
  const dir = await mkdtemp(join(tmpdir(), "nexus-nats-door-"));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, "echo.wasm"), await echoModule());
  await writeFile(join(dir, "fail.wasm"), await failModule());
  await writeFile(join(dir, "loop.wasm"), await loopModule());
  const store = opened.use(await embeddedLog({ dir: join(dir, "log") }));
  const log = options.log?.(store) ?? store;
  const runtime = threadRuntime({ workers: 1 });
  opened.defer(() => runtime.close(AbortSignal.abort()));
  const registry = createRegistry();
  const modules = moduleStore(join(dir, "modules"));
  const versions = versionArchive(dir, modules);
  const heard = telemetry();
  let platform: PlatformSettings;
  await put(functions);
  const settings = () => platform;
  const now = Date.now;
  const dispatch = createDispatcher({
    effects: grantedEffects({ state: log.state, secrets: {}, now: Date.now }),
    log,
    functions: registry,
    versions,
    runtime,
    telemetry: heard.telemetry,
    settings,
    now,
    random: Math.random,
  });
  opened.defer(() => dispatch.stop(AbortSignal.abort()));
  const client = await connected();
  const base = {
    log,
    functions: registry,
    versions,
    dispatch,
    telemetry: heard.telemetry,
    settings,
    now,
  };
  const { door, deps } = await open();
  const resources = opened.move();

  async function put(entries: string): Promise<void> {
    const configFile = join(dir, "nexus.yaml");
    await writeFile(configFile, `version: v1\n${yaml}\nfunctions: ${entries}\n`);
    const project = await loadProject({ configFile });
    ({ platform } = project);
    await deploy(project, { modules, versions, runtime, registry });
  }

  async function connected(): Promise<NatsConnection> {
    const connection = await connect({
      servers: url,
      reconnectTimeWait: 50,
      maxReconnectAttempts: -1,
    });
    opened.defer(() => connection.close());
    return connection;
  }

  async function open() {
    const connection = await connected();
    const deps = { ...base, connection };
    const door = await startNatsDoor(deps, { prefix: "nexus", ackWaitMs });
    opened.defer(() => door.close());
    return { door, deps };
  }

  return {
    client,
    log,
    door,
    deps,
    ...heard,
    deploy: put,
    async another() {
      const connection = await connect({ servers: url });
      const door = await startNatsDoor({ ...base, connection }, { prefix: "nexus", ackWaitMs });
      resources.defer(() => connection.close());
      resources.defer(() => door.close());
      return { close: (signal) => door.close(signal), connection };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function telemetry() {
  const silent = silentTelemetry();
  const spans: FinishedSpan[] = [];
  const lines: { message: string; fields: LogFields }[] = [];
  const rejected: string[] = [];
  const line = (message: string, fields: LogFields = {}) => void lines.push({ message, fields });
  return {
    spans,
    lines,
    rejected,
    telemetry: {
      logger: { ...silent.logger, warn: line, error: line },
      meter: { ...silent.meter, eventRejected: (code: string) => void rejected.push(code) },
      tracer: {
        ...silent.tracer,
        enabled: true,
        span: (span: FinishedSpan) => void spans.push(span),
      },
    },
  };
}

/** All items of a list, newest first. */
export async function all<T>(page: (cursor?: string) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const next = await page(cursor);
    items.push(...next.items);
    cursor = next.nextCursor;
  } while (cursor !== undefined);
  return items;
}
