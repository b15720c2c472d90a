import type { TraceContext } from "../core/trace.ts";
import type { TrustedProxies } from "../core/proxies.ts";
import type { PlatformSettings } from "../core/settings.ts";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { Functions } from "../functions/functions.ts";
import type { EventLog } from "../log/log.ts";
import type { MetricsReader, Telemetry } from "../telemetry/telemetry.ts";
import type { Access, RouteScope } from "./access.ts";
import type { Caller } from "./caller.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import type { Operation } from "./operation.ts";

/** What the routes stand on. */
export interface AppDeps {
  readonly log: EventLog;
  readonly functions: Functions;
  readonly dispatch: Dispatch;
  readonly telemetry: Telemetry;
  readonly metrics: MetricsReader;
  /** Absent: every request is taken. */
  readonly access?: Access | undefined;
  /** Absent: a client's address is the connection's. */
  readonly trustedProxies?: TrustedProxies | undefined;
  /** Read at each request: a reload changes them. */
  readonly settings: () => PlatformSettings;
  /** The JSON schema of nexus.yaml. */
  readonly configSchema: () => Readonly<Record<string, unknown>>;
  readonly info: {
    readonly version: string;
    /** Milliseconds since the Unix epoch. */
    readonly startedAt: number;
  };
  readonly ready: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly now: () => Date;
}

/** One request on its way through a route. */
export interface Call {
  readonly request: HttpRequest;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  /** The span of this request; `traceparent` is the same as a header's value. */
  readonly trace: TraceContext;
  readonly traceparent: string;
}

export type Handle = (call: Call) => Promise<HttpReply> | HttpReply;

export interface Route {
  readonly method: string;
  /** As in router.ts; also the `route` label of the metrics. */
  readonly path: string;
  /** What a caller's token must cover, where the server asks for one. */
  readonly scope: RouteScope;
  /** Takes events in: what it refuses is counted as a refused event. */
  readonly ingests?: boolean;
  readonly handle: Handle;
  /** Its part of openapi.json; a user's HTTP trigger has none. */
  readonly operation?: Operation;
}
