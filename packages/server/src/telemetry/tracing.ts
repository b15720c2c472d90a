import { childTrace } from "../core/trace.ts";
import type { Logger, Tracer } from "./telemetry.ts";

/** Where spans go and which of them; what OpenTelemetry's environment variables say, parsed. */
export interface TracingConfig {
  /** Absent: nothing is traced, and the exporter is never loaded. */
  readonly endpoint?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampler: Sampler;
  readonly exportTimeoutMs: number;
  readonly batch: {
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
    readonly scheduledDelayMs: number;
  };
  /** What in the environment could not be followed, and what happens instead; logged at the start. */
  readonly warnings: readonly string[];
}

export interface Sampler {
  /** Whether a span whose parent decided follows its parent. */
  readonly parentBased: boolean;
  /** Share of new traces that are kept, 0 to 1. */
  readonly ratio: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A tracer that goes nowhere. New traces are marked as sampled: whoever comes after us may keep them. */
export function disabledTracer(): Tracer {
  return { enabled: false, root: () => childTrace(), span() {}, flush: async () => {} };
}

/**
 * The tracer for this configuration; without an endpoint nothing of OpenTelemetry is loaded. `version`
 * becomes the resource's `service.version`.
 */
export async function createTracer(
  config: TracingConfig,
  options: { readonly version: string; readonly logger: Logger },
): Promise<Tracer> {
  for (const warning of config.warnings) {
    options.logger.warn(`Cannot follow the tracing settings: ${warning}`);
  }
  const { endpoint } = config;
  if (endpoint === undefined) return disabledTracer();
  const { otlpTracer } = await import("./otlp.ts");
  return otlpTracer({ ...config, endpoint }, options);
}

/**
 * Reads the `OTEL_*` variables as OpenTelemetry's specification has them. Never throws: what is not
 * valid is left out and named in `warnings`, as the specification asks.
 */
export function tracingConfig(env: Environment): TracingConfig {
  const warnings: string[] = [];
  const attributes = resourceAttributes(env, warnings);
  const endpoint = exportEndpoint(env, warnings);
  const maxQueueSize = positive(env, "OTEL_BSP_MAX_QUEUE_SIZE", 2048, warnings);
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    headers: {
      ...keyValues(env, "OTEL_EXPORTER_OTLP_HEADERS", warnings),
      ...keyValues(env, "OTEL_EXPORTER_OTLP_TRACES_HEADERS", warnings),
    },
    serviceName: given(env, "OTEL_SERVICE_NAME") ?? attributes["service.name"] ?? "nexus-functions",
    resourceAttributes: attributes,
    sampler: sampler(env, warnings),
    exportTimeoutMs: positive(
      env,
      given(env, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") === undefined
        ? "OTEL_EXPORTER_OTLP_TIMEOUT"
        : "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
      10_000,
      warnings,
    ),
    batch: {
      maxQueueSize,
      maxExportBatchSize: Math.min(
        positive(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, warnings),
        maxQueueSize,
      ),
      scheduledDelayMs: positive(env, "OTEL_BSP_SCHEDULE_DELAY", 5000, warnings),
    },
    warnings,
  };
}

function exportEndpoint(env: Environment, warnings: string[]): string | undefined {
  if (given(env, "OTEL_SDK_DISABLED")?.toLowerCase() === "true") return undefined;
  const exporter = given(env, "OTEL_TRACES_EXPORTER") ?? "otlp";
  if (exporter === "none") return undefined;
  const own = given(env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const base = given(env, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (own === undefined && base === undefined) return undefined;
  if (exporter !== "otlp") {
    warnings.push(`OTEL_TRACES_EXPORTER: "${exporter}" is not "otlp" or "none"; no spans are sent`);
    return undefined;
  }
  const name =
    own === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  const url = URL.parse(own ?? base!);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    warnings.push(`${name}: "${own ?? base}" is not an http or https URL; no spans are sent`);
    return undefined;
  }
  const protocol =
    given(env, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? given(env, "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (protocol !== undefined && !protocol.startsWith("http/")) {
    warnings.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL: "${protocol}" is not spoken here; spans are sent as http/json`,
    );
  }
  // The specification: the common endpoint is a base to which the signal's path is added, the signal's own is used as it is.
  if (own === undefined) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}

function sampler(env: Environment, warnings: string[]): Sampler {
  const name = given(env, "OTEL_TRACES_SAMPLER") ?? "parentbased_always_on";
  const parentBased = name.startsWith("parentbased_");
  switch (parentBased ? name.slice("parentbased_".length) : name) {
    case "always_on":
      return { parentBased, ratio: 1 };
    case "always_off":
      return { parentBased, ratio: 0 };
    case "traceidratio":
      return { parentBased, ratio: samplerRatio(env, warnings) };
    default:
      warnings.push(`OTEL_TRACES_SAMPLER: "${name}" is not known; parentbased_always_on is used`);
      return { parentBased: true, ratio: 1 };
  }
}

function samplerRatio(env: Environment, warnings: string[]): number {
  const text = given(env, "OTEL_TRACES_SAMPLER_ARG");
  if (text === undefined) return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warnings.push(`OTEL_TRACES_SAMPLER_ARG: "${text}" is not a number from 0 to 1; 1 is used`);
  return 1;
}

function resourceAttributes(env: Environment, warnings: string[]): Record<string, string> {
  return keyValues(env, "OTEL_RESOURCE_ATTRIBUTES", warnings);
}

/** `a=1,b=2`, percent-encoded. One broken pair discards the whole variable, as the specification has it. */
function keyValues(env: Environment, name: string, warnings: string[]): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const part of (given(env, name) ?? "").split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    try {
      const key = decodeURIComponent(part.slice(0, Math.max(at, 0)).trim());
      if (key === "") throw new URIError("no key");
      pairs.push([key, decodeURIComponent(part.slice(at + 1).trim())]);
    } catch {
      // The value stays out of the message: headers carry secrets.
      warnings.push(`${name}: not a list of key=value, percent-encoded; it is ignored`);
      return {};
    }
  }
  return Object.fromEntries(pairs);
}

function positive(env: Environment, name: string, otherwise: number, warnings: string[]): number {
  const text = given(env, name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  warnings.push(`${name}: "${text}" is not a positive whole number; ${otherwise} is used`);
  return otherwise;
}

/** The specification: an empty value is the same as none. */
function given(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}
