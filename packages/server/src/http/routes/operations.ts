import { errorsPage } from "../../core/errors-page.ts";
import { json, type Operation } from "../operation.ts";
import { reading } from "../reply.ts";
import type { AppDeps, Route } from "../route.ts";

/** What operators and their machines ask. */
export function operationsRoutes(deps: AppDeps): readonly Route[] {
  const { log, metrics, info, ready, now, configSchema } = deps;
  return [
    {
      method: "GET",
      path: "/health",
      scope: "public",
      operation: HEALTH,
      async handle() {
        const { driver, connected, durability, ...status } = await log.status();
        return reading(
          {
            status: connected ? "ok" : "unavailable",
            version: info.version,
            uptime_seconds: Math.max(0, now().getTime() - info.startedAt) / 1000,
            log: {
              driver,
              connected,
              durability,
              tail: status.tail,
              events: status.events,
              invocations: status.invocations,
              dead_letters: status.deadLetters,
              bytes: status.bytes,
            },
            nats_connected: driver === "nats" && connected,
          },
          connected ? 200 : 503,
        );
      },
    },
    {
      method: "GET",
      path: "/livez",
      scope: "public",
      operation: LIVEZ,
      handle: () => reading({ status: "ok" }),
    },
    {
      method: "GET",
      path: "/readyz",
      scope: "public",
      operation: READYZ,
      async handle() {
        const { connected, durability } = await log.status();
        const { reasons } = ready();
        const all = connected ? reasons : [...reasons, "The event log cannot be reached"];
        const isReady = all.length === 0;
        return reading({ ready: isReady, reasons: all, durability }, isReady ? 200 : 503);
      },
    },
    {
      method: "GET",
      path: "/metrics",
      scope: "read",
      operation: METRICS,
      async handle({ request }) {
        if (request.headers["accept"]?.includes("application/json") === true) {
          return reading(await metrics.summary());
        }
        return {
          status: 200,
          headers: { "content-type": metrics.contentType, "cache-control": "no-store" },
          body: await metrics.text(),
        };
      },
    },
    {
      method: "GET",
      path: "/errors",
      scope: "public",
      operation: ERRORS_PAGE,
      handle: () => ({
        status: 200,
        headers: { "content-type": "text/markdown; charset=utf-8" },
        body: errorsPage(),
      }),
    },
    {
      method: "GET",
      path: "/nexus.schema.json",
      scope: "public",
      operation: CONFIG_SCHEMA,
      handle: () => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(configSchema()),
      }),
    },
  ];
}

const HEALTH: Operation = {
  id: "health",
  tag: "Operations",
  summary: "How the server is",
  answers: {
    200: { description: "All is well.", content: json("Health") },
    503: { description: "The event log cannot be reached.", content: json("Health") },
  },
  problems: [],
};

const LIVEZ: Operation = {
  id: "livez",
  tag: "Operations",
  summary: "Liveness probe: the process answers",
  answers: { 200: { description: "It does.", content: json("Alive") } },
  problems: [],
};

const READYZ: Operation = {
  id: "readyz",
  tag: "Operations",
  summary: "Readiness probe: requests may be sent here",
  answers: {
    200: { description: "Ready.", content: json("Readiness") },
    503: { description: "Not ready.", content: json("Readiness") },
  },
  problems: [],
};

const METRICS: Operation = {
  id: "metrics",
  tag: "Operations",
  summary: "Metrics: Prometheus text, or JSON with `Accept: application/json`",
  answers: {
    200: {
      description: "Every metric.",
      content: { "text/plain": {}, "application/json": { schema: "Metrics" } },
    },
  },
  problems: [],
};

const ERRORS_PAGE: Operation = {
  id: "errors",
  tag: "Operations",
  summary: "What each error code means; a problem's `type` leads here",
  answers: { 200: { description: "As Markdown.", content: { "text/markdown": {} } } },
  problems: [],
};

const CONFIG_SCHEMA: Operation = {
  id: "configSchema",
  tag: "Operations",
  summary: "The JSON schema of nexus.yaml, for editors",
  answers: {
    200: { description: "JSON schema, draft 7.", content: { "application/json": {} } },
  },
  problems: [],
};
