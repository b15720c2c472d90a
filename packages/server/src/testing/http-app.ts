// The HTTP room on real rooms, without a socket: real store, real threads, real modules.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deploy } from "../deploy.ts";
import { grantedEffects } from "../effects/granted.ts";
import { createDispatcher } from "../dispatch/dispatcher.ts";
import { moduleStore } from "../functions/module-store.ts";
import { versionArchive } from "../functions/version-archive.ts";
import { loadProject } from "../functions/project.ts";
import { createRegistry } from "../functions/registry.ts";
import { configJsonSchema } from "../functions/schema.ts";
import { embeddedLog } from "../log/drivers/embedded.ts";
import { threadRuntime } from "../runtime/host/thread-runtime.ts";
import { diskOf, memoryLimit } from "../telemetry/machine.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { silentTelemetry } from "../telemetry/silent.ts";
import type { FinishedSpan } from "../telemetry/telemetry.ts";
import { apiRoutes, createApp, type AppDeps } from "../http/app.ts";
import { toFetch } from "../http/fetch.ts";
import type { HttpHandler } from "../http/http.ts";
import type { Operation } from "../http/operation.ts";
import { Router } from "../http/router.ts";
import { schemas } from "../http/schemas.ts";

export interface TestApp extends AsyncDisposable {
  readonly handler: HttpHandler;
  readonly deps: AppDeps;
  /** Spans reported so far. */
  readonly spans: readonly FinishedSpan[];
  /** Asks the app; an answer that is not what openapi.json says of it fails the test. */
  ask(method: string, path: string, init?: Ask): Promise<Answer>;
  /** Puts another nexus.yaml into service. */
  deploy(config: string): Promise<void>;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is something else. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects, and fails if it is not there
  readonly json: any;
}

export const NO_FUNCTIONS = "version: v1\nfunctions: []\n";

export async function testApp(config = NO_FUNCTIONS): Promise<TestApp> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-http-"));
  const log = await embeddedLog({ dir: join(dir, "log") });
  const runtime = threadRuntime({ workers: 1 });
  const registry = createRegistry();
  const modules = moduleStore(join(dir, "modules"));
  const versions = versionArchive(dir, modules);
  const metrics = createMetrics({
    build: { version: "0.0.0", driver: log.driver },
    functions: () => registry.list().length,
    lag: () => log.lag(),
    runtime: () => runtime.status(),
    log: () => log.status(),
    disk: () => diskOf(dir),
    memoryLimitBytes: memoryLimit(),
  });
  const spans: FinishedSpan[] = [];
  const silent = silentTelemetry();
  const telemetry = {
    ...silent,
    meter: metrics.meter,
    tracer: { ...silent.tracer, enabled: true, span: (span: FinishedSpan) => spans.push(span) },
  };
  let project = await load(config);
  await deploy(project, { modules, versions, runtime, registry });
  const settings = () => project.platform;
  const dispatch = createDispatcher({
    effects: grantedEffects({ state: log.state, secrets: {}, now: Date.now }),
    log,
    functions: registry,
    versions,
    runtime,
    telemetry,
    settings,
    now: Date.now,
    random: Math.random,
  });
  const deps: AppDeps = {
    log,
    functions: registry,
    dispatch,
    telemetry,
    settings,
    metrics: metrics.reader,
    configSchema: configJsonSchema,
    info: { version: "0.0.0", startedAt: Date.now() },
    ready: () => ({ ready: true, reasons: [] }),
    now: () => new Date(),
  };
  const handler = createApp(deps);
  const fetch = toFetch(handler);
  const operations = operationRouter();

  async function load(text: string) {
    const configFile = join(dir, "nexus.yaml");
    await writeFile(configFile, text);
    return loadProject({ configFile });
  }

  return {
    handler,
    deps,
    spans,
    async ask(method, path, init = {}) {
      const { headers = {}, body } = init;
      const response = await fetch(
        new Request(`http://test${path}`, {
          method,
          headers,
          ...(body === undefined
            ? {}
            : { body: typeof body === "string" ? body : new Uint8Array(body) }),
        }),
      );
      const answer = await read(response);
      check(answer, operationOf(operations, method, path));
      return answer;
    },
    async deploy(text) {
      project = await load(text);
      await deploy(project, { modules, versions, runtime, registry });
    },
    async [Symbol.asyncDispose]() {
      await dispatch.stop(AbortSignal.abort());
      await runtime.close(AbortSignal.abort());
      await log[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const isJson = /\bjson\b/.test(headers.get("content-type") ?? "") && text !== "";
  return { status, headers, text, json: isJson ? (JSON.parse(text) as unknown) : undefined };
}

function operationRouter(): Router<Operation> {
  const router = new Router<Operation>();
  for (const { method, path, operation } of apiRoutes({} as AppDeps)) {
    if (operation !== undefined) router.add(method, path, operation);
  }
  return router;
}

function operationOf(
  router: Router<Operation>,
  method: string,
  path: string,
): Operation | undefined {
  try {
    return router.find(method, path.split("?", 1)[0]!).value;
  } catch {
    return undefined; // a user's trigger, or a path that is not there
  }
}

function check({ status, headers, json }: Answer, operation: Operation | undefined): void {
  assert.match(headers.get("traceparent") ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  const type = headers.get("content-type")?.split(";", 1)[0];
  if (type === "application/problem+json") {
    const problem = schemas.Problem.parse(json);
    assert.equal(problem.status, status);
    assert.equal(problem.trace_id, headers.get("traceparent")!.slice(3, 35));
    assert.equal(headers.has("retry-after"), status === 503 || status === 429);
    assert.doesNotMatch(problem.detail, /\n|\bat .*:\d+:\d+|node:/, "no stack trace");
    if (operation !== undefined && problem.code !== "INTERNAL") {
      assert.ok(
        operation.problems.includes(problem.code),
        `${operation.id} does not say that it may answer ${problem.code}`,
      );
    }
    return;
  }
  if (operation === undefined || type === undefined) return;
  const content = operation.answers[status]?.content[type];
  assert.ok(content, `${operation.id} does not say that it may answer ${status} as ${type}`);
  if (content.schema !== undefined) schemas[content.schema].parse(json);
}
