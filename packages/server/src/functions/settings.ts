import type { FunctionSettings, Trigger } from "../core/function.ts";
import { parseDuration, parseSize } from "../core/quantity.ts";
import { parseRecordPolicy } from "../core/record-policy.ts";
import {
  DEFAULT_PLATFORM_SETTINGS,
  requestRate,
  wrongTokenRate,
  type PlatformSettings,
  type RateLimitSettings,
} from "../core/settings.ts";
import { grantsOf } from "./grants.ts";
import { eventTypeOfPath } from "./http-path.ts";
import { DEFAULTS, type DefaultsConfig, type OuterConfig, type SidecarConfig } from "./schema.ts";
import type { OnConfig, TriggerConfig } from "./triggers.ts";

type Written = Omit<SidecarConfig, "on" | "mounts">;

/**
 * The settings of one function, every default filled in: what the function says, else `defaults` of
 * the file, else the platform's. All values have passed the schema.
 */
export function functionSettings(
  name: string,
  triggers: readonly Trigger[],
  own: Written,
  defaults: DefaultsConfig,
): FunctionSettings {
  const retry = { ...DEFAULTS.retry, ...compact(defaults.retry), ...compact(own.retry) };
  const limits = { ...DEFAULTS.limits, ...compact(defaults.limits), ...compact(own.limits) };
  const orderBy = own.order_by ?? defaults.order_by;
  const scratchBytes = bytes(own.scratch ?? defaults.scratch ?? 0);
  const record = parseRecordPolicy(own.record ?? defaults.record ?? DEFAULTS.record)!;
  const redact = [...new Set([...(defaults.redact ?? []), ...(own.redact ?? [])])];
  const grants = grantsOf(own);
  const backoffMs = parseDuration(retry.backoff)!;
  return {
    name,
    triggers,
    limits: {
      timeoutMs: parseDuration(own.timeout ?? defaults.timeout ?? DEFAULTS.timeout)!,
      memoryBytes: bytes(own.memory ?? defaults.memory ?? DEFAULTS.memory),
      outputBytes: bytes(limits.output),
      logBytes: bytes(limits.logs),
      logLines: limits.log_lines,
      emits: limits.emits,
      hostCalls: limits.host_calls,
      cpuMs: limits.cpu === undefined ? 0 : parseDuration(limits.cpu)!,
      tableElements: limits.table,
      moduleBytes: bytes(limits.module),
      ...(limits.stack === undefined ? {} : { stackCalls: limits.stack }),
    },
    // The schema lets only texts through.
    env: { ...defaults.env, ...own.env } as Record<string, string>,
    concurrency: own.concurrency ?? defaults.concurrency ?? DEFAULTS.concurrency,
    ...(orderBy === undefined ? {} : { orderBy }),
    retry: {
      attempts: retry.attempts,
      backoffMs,
      maxBackoffMs: Math.max(parseDuration(retry.max_backoff)!, backoffMs),
      jitter: retry.jitter,
    },
    output: own.output ?? defaults.output ?? DEFAULTS.output,
    start: own.start ?? defaults.start ?? DEFAULTS.start,
    ...(scratchBytes === 0 ? {} : { scratchBytes }),
    // What is as it always was is no part of a version's content: versions keep their names.
    ...(record.kind === "full" ? {} : { record }),
    ...(redact.length === 0 ? {} : { redact }),
    ...(grants === undefined ? {} : { grants }),
  };
}

/** The triggers of `on:`, in the order they stand there. */
export function triggersOf(on: OnConfig): readonly Trigger[] {
  return (Array.isArray(on) ? on : [on]).map(triggerOf);
}

/** What a module in the functions directory runs on where its settings do not say. */
export function impliedTriggers(name: string): readonly Trigger[] {
  return [
    { kind: "event", pattern: name },
    { kind: "http", method: "POST", path: `/${name}`, respond: true },
  ];
}

function triggerOf({ event, http, cron, nats }: TriggerConfig): Trigger {
  if (event !== undefined) return { kind: "event", pattern: event };
  if (nats !== undefined) return { kind: "nats", subject: nats };
  if (http !== undefined) {
    const { method = "POST", path, respond = false, auth } = http;
    const type = eventTypeOfPath(path);
    return type === undefined
      ? // Where it is not said it is no part of a version's content: versions keep their names.
        { kind: "http", method, path, respond, ...(auth === "required" ? { auth } : {}) }
      : { kind: "event", pattern: type };
  }
  const { schedule, timezone = "UTC" } = typeof cron === "string" ? { schedule: cron } : cron!;
  return { kind: "cron", schedule, timezone };
}

/** The platform's settings, every default filled in. */
export function platformSettings(config: Partial<OuterConfig>): PlatformSettings {
  const { limits, rate_limit, retention, replay } = config;
  return {
    eventBytes:
      limits?.event === undefined ? DEFAULT_PLATFORM_SETTINGS.eventBytes : bytes(limits.event),
    chainDepth: limits?.chain_depth ?? DEFAULT_PLATFORM_SETTINGS.chainDepth,
    rateLimit: rateLimit(rate_limit ?? {}),
    retention: { events: keep(retention?.events), invocations: keep(retention?.invocations) },
    replay: { verifyEveryMs: verifyEveryMs(replay?.verify) },
  };
}

function rateLimit(config: NonNullable<OuterConfig["rate_limit"]>): RateLimitSettings {
  const { requests, burst, wrong_tokens: perMinute } = config;
  const { wrongTokens } = DEFAULT_PLATFORM_SETTINGS.rateLimit;
  const wrong = perMinute === undefined ? wrongTokens : wrongTokenRate(perMinute);
  return {
    ...(requests === undefined ? {} : { requests: requestRate(requests, burst) }),
    ...(wrong === undefined ? {} : { wrongTokens: wrong }),
  };
}

function verifyEveryMs(verify: string | undefined): number {
  if (verify === "off") return 0;
  return verify === undefined
    ? DEFAULT_PLATFORM_SETTINGS.replay.verifyEveryMs
    : parseDuration(verify)!;
}

type KeepConfig = NonNullable<OuterConfig["retention"]>["events"];

function keep(config: KeepConfig): PlatformSettings["retention"]["events"] {
  return {
    ...(config?.max_age === undefined ? {} : { maxAgeMs: parseDuration(config.max_age)! }),
    ...(config?.max_size === undefined ? {} : { maxBytes: bytes(config.max_size) }),
  };
}

function bytes(size: string | number): number {
  return typeof size === "number" ? size : parseSize(size)!;
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

// A setting that is there but undefined must not hide the default under it.
function compact<T extends object>(values: T | undefined): Present<T> {
  return Object.fromEntries(
    Object.entries(values ?? {}).filter(([, value]) => value !== undefined),
  ) as Present<T>;
}
