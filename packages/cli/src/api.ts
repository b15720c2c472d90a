import type { Trigger } from "@nexus-functions/server/core/function";
import type { DeadLetter, Invocation } from "@nexus-functions/server/core/invocation";
import type { MetricSummary } from "@nexus-functions/server/telemetry/telemetry";
import { CliError } from "./cli.ts";
import type { EventJson } from "./records.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string | undefined;
}
type Q = Readonly<Record<string, string | number | undefined>>;
export interface Accepted {
  readonly event_id: string;
  readonly type: string;
  readonly status: "accepted" | "duplicate";
  readonly position: number;
  readonly trace_id: string;
  readonly invocations?: readonly Invocation[];
}
export interface FunctionJson {
  readonly name: string;
  readonly version: string;
  readonly triggers: readonly Trigger[];
  readonly [k: string]: unknown;
}
export type StreamItem =
  | { kind: "event"; event: EventJson }
  | { kind: "invocation"; invocation: Invocation }
  | { kind: "gap"; missed: number };
export interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly log: {
    readonly driver: string;
    readonly connected: boolean;
    readonly durability: string;
  };
}
export interface Api {
  readonly url: string;
  /** `waitMs`: until their functions have finished; without `invocations` in the answer that took longer. */
  publish(events: readonly unknown[], waitMs?: number): Promise<readonly Accepted[]>;
  events(q: Q): Promise<Page<EventJson>>;
  event(id: string): Promise<EventJson>;
  invocations(q: Q): Promise<Page<Invocation>>;
  invocation(id: string): Promise<Invocation>;
  invocationsOf(eventId: string): Promise<readonly Invocation[]>;
  functions(): Promise<readonly FunctionJson[]>;
  fn(name: string): Promise<FunctionJson>;
  replay(id: string, fn?: string): Promise<readonly Invocation[]>;
  deadLetters(q: Q): Promise<Page<DeadLetter>>;
  deadLetter(id: string): Promise<DeadLetter>;
  redrive(id: string): Promise<void>;
  redriveAll(q: Q): Promise<number>;
  metrics(): Promise<Readonly<Record<string, MetricSummary>>>;
  health(): Promise<Health>;
  stream(q: Q, signal: AbortSignal): AsyncIterable<StreamItem>;
}
export function connect(
  cli: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
  options: { url?: string },
): Api {
  const url = options.url ?? (cli.env["NEXUS_URL"] || "http://127.0.0.1:8080");
  async function raw(
    method: string,
    path: string,
    q: Q,
    init: RequestInit = {},
  ): Promise<Response> {
    const u = new URL(url + path);
    for (const [k, v] of Object.entries(q)) if (v !== undefined) u.searchParams.set(k, String(v));
    let r: Response;
    try {
      r = await fetch(u, { method, signal: cli.signal, ...init });
    } catch (error) {
      if (cli.signal.aborted) throw error;
      const code = ((error as Error).cause as { code?: string } | undefined)?.code;
      throw new CliError(
        `Cannot reach ${url}: ${code === "ECONNREFUSED" ? "nothing listens there" : (code ?? (error as Error).message)}`,
        {
          hint: "Start a server with `nexus dev`, or name yours with --url or NEXUS_URL.",
          cause: error,
        },
      );
    }
    if (!r.ok) {
      const p = (await r.json().catch(() => ({}))) as { detail?: string; code?: string };
      throw new CliError(p.detail ?? `Cannot use ${url}: it answered ${r.status}`);
    }
    return r;
  }
  async function call<T>(method: string, path: string, q: Q = {}, init?: RequestInit): Promise<T> {
    return (await (await raw(method, path, q, init)).json()) as T;
  }
  const e = encodeURIComponent;
  return {
    url,
    async publish(events, waitMs) {
      const single = events.length === 1;
      const answer = await call<Accepted & { events: Accepted[] }>(
        "POST",
        "/events",
        { wait: waitMs === undefined ? undefined : `${waitMs}ms` },
        {
          headers: {
            "content-type": single
              ? "application/cloudevents+json"
              : "application/cloudevents-batch+json",
          },
          body: JSON.stringify(single ? events[0] : events),
        },
      );
      return single ? [answer] : answer.events;
    },
    async events(q) {
      const a = await call<{ events: EventJson[]; next_cursor?: string }>("GET", "/events", q);
      return { items: a.events, nextCursor: a.next_cursor };
    },
    event: (id) => call("GET", `/events/${e(id)}`),
    async invocations(q) {
      const a = await call<{ invocations: Invocation[]; next_cursor?: string }>(
        "GET",
        "/invocations",
        q,
      );
      return { items: a.invocations, nextCursor: a.next_cursor };
    },
    invocation: (id) => call("GET", `/invocations/${e(id)}`),
    async invocationsOf(id) {
      return (await call<{ invocations: Invocation[] }>("GET", `/events/${e(id)}/invocations`))
        .invocations;
    },
    async functions() {
      return (await call<{ functions: FunctionJson[] }>("GET", "/functions")).functions;
    },
    fn: (name) => call("GET", `/functions/${e(name)}`),
    async replay(id, fn) {
      return (
        await call<{ invocations: Invocation[] }>("POST", `/replay/${e(id)}`, { function: fn })
      ).invocations;
    },
    async deadLetters(q) {
      const a = await call<{ dead_letters: DeadLetter[]; next_cursor?: string }>(
        "GET",
        "/dead-letters",
        q,
      );
      return { items: a.dead_letters, nextCursor: a.next_cursor };
    },
    deadLetter: (id) => call("GET", `/dead-letters/${e(id)}`),
    async redrive(id) {
      await call("POST", `/dead-letters/${e(id)}/redrive`);
    },
    async redriveAll(q) {
      return (
        await call<{ redriven: number }>(
          "POST",
          "/dead-letters/redrive",
          {},
          {
            headers: { "content-type": "application/json" },
            body: JSON.stringify(q),
          },
        )
      ).redriven;
    },
    metrics: () => call("GET", "/metrics", {}, { headers: { accept: "application/json" } }),
    health: () => call("GET", "/health"),
    // oxlint-disable-next-line
    async *stream() {},
  };
}
