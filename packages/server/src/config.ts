import { asKnown, readTokens, type ApiToken } from "./core/api-token.ts";
import { NexusError } from "./core/errors.ts";
import {
  natsPrefixFault,
  natsProjectFault,
  natsServerFault,
  natsServers,
  showNatsServer,
} from "./core/nats.ts";
import type { SecretsConfig } from "./core/secrets.ts";
import { readTrustedProxies, type TrustedProxies } from "./core/proxies.ts";

/** All that the process is told from outside, beside nexus.yaml. This file is the only reader of the environment. */
export interface ServerConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Of these, requests must carry one. As hashes: nothing that has the configuration can give one away. */
  readonly apiTokens?: readonly ApiToken[];
  /** Holds them instead. */
  readonly apiTokenFile?: string;
  /** Whose `x-forwarded-for` counts. Absent: nobody's. */
  readonly trustedProxies?: TrustedProxies;
  /** Requests a second of one client; wins over nexus.yaml. */
  readonly rateLimit?: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "json" | "pretty";
  readonly dataDir: string;
  /** The configuration must be there. Absent: none is read. */
  readonly configFile?: string;
  readonly functionsDir?: string;
  /** Servers of NATS, with a comma between them; they win over those of nexus.yaml. */
  readonly natsUrl?: string;
  /** Wins over the one of nexus.yaml. */
  readonly natsPrefix?: string;
  /**
   * The server at `natsUrl` runs for this process alone: what nexus.yaml says of the servers, of the
   * credentials and of replicas does not hold for it.
   */
  readonly ownNats: boolean;
  /** Wins over the one of nexus.yaml. */
  readonly natsProject?: string;
  /** Names a deployment: with a new name, what the cluster has replaced since is deployed again. */
  readonly deployId?: string;
  /** Reload functions and settings when their files change. */
  readonly watch: boolean;
  /** Threads for functions; absent: the runtime decides by the number of cores. */
  readonly workers?: number;
  /** How long a stop waits for what runs, in milliseconds. */
  readonly drainMs: number;
  readonly secrets: SecretsConfig;
  /** The environment that OpenTelemetry's own variables are read from. */
  readonly otel: Environment;
}

const MOST_REQUESTS = 1_000_000;

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** What a command line may say; it wins over the environment. */
export type ConfigOverrides = {
  readonly [Key in keyof ServerConfig]?: ServerConfig[Key] | undefined;
};

/**
 * The configuration from the environment, with the overrides in front. `exists` tells whether a file
 * is there: a `nexus.yaml` in the current directory is used when it is, and not missed when it is not.
 * CONFIG_INVALID names the variable, its value and the rule.
 */
export function readConfig(
  env: Environment,
  overrides: ConfigOverrides,
  exists: (path: string) => boolean,
): ServerConfig {
  const configFile =
    overrides.configFile ??
    text(env, "NEXUS_CONFIG") ??
    (exists("nexus.yaml") ? "nexus.yaml" : undefined);
  const functionsDir = overrides.functionsDir ?? text(env, "NEXUS_FUNCTIONS_DIR");
  const natsUrl = overrides.natsUrl ?? natsAddresses(env, "NATS_URL");
  const natsPrefix = overrides.natsPrefix ?? checked(env, "NEXUS_NATS_PREFIX", natsPrefixFault);
  const natsProject = overrides.natsProject ?? checked(env, "NEXUS_NATS_PROJECT", natsProjectFault);
  const deployId = overrides.deployId ?? checked(env, "NEXUS_DEPLOY_ID", deployIdFault);
  const apiTokens = overrides.apiTokens ?? tokensIn(env);
  const apiTokenFile = overrides.apiTokenFile ?? text(env, "NEXUS_API_TOKEN_FILE");
  if (apiTokens !== undefined && apiTokenFile !== undefined) {
    throw new NexusError(
      "CONFIG_INVALID",
      "Cannot read environment: NEXUS_API_TOKEN and NEXUS_API_TOKEN_FILE are both set; set one",
    );
  }
  const trustedProxies = overrides.trustedProxies ?? proxiesIn(env);
  const rateLimit = overrides.rateLimit ?? whole(env, "NEXUS_RATE_LIMIT", 1, MOST_REQUESTS);
  const workers = overrides.workers ?? whole(env, "NEXUS_WORKERS", 1, 1024);
  return {
    host: overrides.host ?? text(env, "NEXUS_HOST") ?? "127.0.0.1",
    port: overrides.port ?? whole(env, "NEXUS_PORT", 0, 65_535) ?? 8080,
    ...(apiTokens === undefined ? {} : { apiTokens }),
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    logLevel: overrides.logLevel ?? choice(env, "NEXUS_LOG_LEVEL", LOG_LEVELS) ?? "info",
    logFormat: overrides.logFormat ?? choice(env, "NEXUS_LOG_FORMAT", ["json", "pretty"]) ?? "json",
    dataDir: overrides.dataDir ?? text(env, "NEXUS_DATA_DIR") ?? ".nexus",
    ...(configFile === undefined ? {} : { configFile }),
    ...(functionsDir === undefined ? {} : { functionsDir }),
    ...(natsUrl === undefined ? {} : { natsUrl }),
    ...(natsPrefix === undefined ? {} : { natsPrefix }),
    ...(natsProject === undefined ? {} : { natsProject }),
    ownNats: overrides.ownNats ?? false,
    ...(deployId === undefined ? {} : { deployId }),
    watch: overrides.watch ?? false,
    ...(workers === undefined ? {} : { workers }),
    drainMs: overrides.drainMs ?? whole(env, "NEXUS_DRAIN_MS", 0, 3_600_000) ?? 25_000,
    secrets: overrides.secrets ?? secretsIn(env),
    otel:
      overrides.otel ??
      Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("OTEL_"))),
  };
}

/** Where the nats-server of this machine is looked for: at `program`, else in the folders of `path`. */
export function natsServerPlace(env: Environment): {
  readonly program?: string;
  readonly path?: string;
} {
  const program = text(env, "NEXUS_NATS_SERVER");
  const path = text(env, "PATH");
  return {
    ...(program === undefined ? {} : { program }),
    ...(path === undefined ? {} : { path }),
  };
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

const SECRET_PREFIX = "NEXUS_SECRET_";

/** What functions may be granted to read, as the process is given it. */
export function secretsIn(env: Environment): SecretsConfig {
  const folder = text(env, "NEXUS_SECRETS_DIR");
  const values = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(SECRET_PREFIX) && value !== undefined
      ? [[name.slice(SECRET_PREFIX.length), value] as const]
      : [],
  );
  return { values: Object.fromEntries(values), ...(folder === undefined ? {} : { folder }) };
}

// An empty variable is an unset one, as in shells and Compose files.
function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}

function tokensIn(env: Environment): readonly ApiToken[] | undefined {
  const value = text(env, "NEXUS_API_TOKEN");
  const tokens = value === undefined ? undefined : readTokens(value);
  if (typeof tokens === "string") {
    throw new NexusError("CONFIG_INVALID", `Cannot read environment: NEXUS_API_TOKEN ${tokens}`);
  }
  return tokens?.map(asKnown);
}

function proxiesIn(env: Environment): TrustedProxies | undefined {
  const value = text(env, "NEXUS_TRUSTED_PROXIES");
  const proxies = value === undefined ? undefined : readTrustedProxies(value);
  if (typeof proxies === "string") throw invalid("NEXUS_TRUSTED_PROXIES", value!, proxies);
  return proxies;
}

function natsAddresses(env: Environment, name: string): string | undefined {
  const value = text(env, name);
  for (const url of value === undefined ? [] : natsServers(value)) {
    const fault = natsServerFault(url);
    if (fault !== undefined) throw invalid(name, showNatsServer(url), fault);
  }
  return value;
}

function checked(
  env: Environment,
  name: string,
  faultOf: (value: string) => string | undefined,
): string | undefined {
  const value = text(env, name);
  const fault = value === undefined ? undefined : faultOf(value);
  if (fault !== undefined) throw invalid(name, value!, fault);
  return value;
}

function deployIdFault(id: string): string | undefined {
  return /^[\w.:+/-]{1,64}$/.test(id)
    ? undefined
    : "must be letters, digits and any of .:+/_-, at most 64";
}

function whole(env: Environment, name: string, min: number, max: number): number | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return number;
  throw invalid(name, value, `must be a whole number from ${min} to ${max}`);
}

function choice<T extends string>(env: Environment, name: string, of: readonly T[]): T | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const found = of.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalid(name, value, `must be one of ${of.join(", ")}`);
}

function invalid(name: string, value: string, rule: string): NexusError {
  return new NexusError("CONFIG_INVALID", `Cannot read environment: ${name}="${value}" ${rule}`);
}
