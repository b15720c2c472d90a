import { NexusError } from "../../core/errors.ts";
import type { FunctionVersion } from "../../core/function.ts";
import { recordPolicyText } from "../../core/record-policy.ts";
import type { ConsumerLag } from "../../log/log.ts";
import type { MetricSummary } from "../../telemetry/telemetry.ts";
import { json, type Operation } from "../operation.ts";
import { reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";
import type { Grants } from "../../core/grants.ts";

export function functionRoutes(deps: AppDeps): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/functions",
      scope: "read",
      operation: LIST,
      handle: async () => reading({ functions: await describe(deps.functions.list(), deps) }),
    },
    {
      method: "GET",
      path: "/functions/:function",
      scope: "read",
      operation: GET,
      async handle({ params }) {
        const name = params["function"]!;
        const found = deps.functions.get(name);
        if (found !== undefined) return reading((await describe([found], deps))[0]);
        throw new NexusError(
          "FUNCTION_NOT_FOUND",
          `Cannot find function ${JSON.stringify(name.slice(0, 200))}: there is none`,
        );
      },
    },
  ];
}

async function describe(
  versions: readonly FunctionVersion[],
  { log, metrics }: AppDeps,
): Promise<readonly unknown[]> {
  const lags = new Map(log.lag().map((lag) => [lag.name, lag]));
  const counted = (await metrics.summary())["nexus_invocations_total"];
  return versions.map((version) => info(version, lags.get(version.name), counted));
}

function grantsInfo({ kv, fetch, secrets }: Grants) {
  return {
    kv: kv === true,
    fetch:
      fetch === undefined
        ? null
        : {
            allow: fetch.allow,
            allow_private: fetch.allowPrivate === true,
            timeout_ms: fetch.timeoutMs,
            max_response_bytes: fetch.responseBytes,
            max_requests: fetch.requests,
            max_redirects: fetch.redirects,
          },
    secrets: secrets ?? [],
  };
}

function info(
  version: FunctionVersion,
  lag: ConsumerLag | undefined,
  counted: MetricSummary | undefined,
) {
  const { limits, retry } = version;
  return {
    name: version.name,
    version: version.version,
    module_sha256: version.moduleSha256,
    module_bytes: version.moduleBytes,
    code: version.code,
    deployed_at: new Date(version.deployedAt).toISOString(),
    triggers: version.triggers,
    limits: {
      timeout_ms: limits.timeoutMs,
      memory_bytes: limits.memoryBytes,
      output_bytes: limits.outputBytes,
      log_bytes: limits.logBytes,
      log_lines: limits.logLines,
      emits: limits.emits,
      host_calls: limits.hostCalls,
      cpu_ms: limits.cpuMs === 0 ? null : limits.cpuMs,
      table_elements: limits.tableElements,
      stack_calls: limits.stackCalls ?? null,
    },
    // Names only: values may be secrets.
    env: Object.keys(version.env),
    files: { scratch_bytes: version.scratchBytes ?? 0, mounts: version.mounts ?? [] },
    grants: grantsInfo(version.grants ?? {}),
    concurrency: version.concurrency,
    order_by: version.orderBy ?? null,
    retry: {
      attempts: retry.attempts,
      backoff_ms: retry.backoffMs,
      max_backoff_ms: retry.maxBackoffMs,
      jitter: retry.jitter,
    },
    output: version.output,
    start: version.start,
    record: recordPolicyText(version.record ?? { kind: "full" }),
    redact: version.redact ?? [],
    counters: {
      waiting: lag?.waiting ?? 0,
      running: lag?.running ?? 0,
      retrying: lag?.retrying ?? 0,
      oldest_ms: lag?.oldestMs ?? 0,
      invocations: byStatus(version.name, counted),
    },
  };
}

function byStatus(name: string, counted: MetricSummary | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  if (counted === undefined || counted.type === "histogram") return counts;
  for (const { labels, value } of counted.samples) {
    if (labels["function"] !== name) continue;
    const status = labels["status"]!;
    counts[status] = (counts[status] ?? 0) + value;
  }
  return counts;
}

const LIST: Operation = {
  id: "listFunctions",
  tag: "Functions",
  summary: "List the functions in service",
  answers: { 200: { description: "All of them, by name.", content: json("FunctionList") } },
  problems: [],
};

const GET: Operation = {
  id: "getFunction",
  tag: "Functions",
  summary: "Get one function",
  params: { function: "The function's name." },
  answers: { 200: { description: "The version in service.", content: json("Function") } },
  problems: ["FUNCTION_NOT_FOUND"],
};
