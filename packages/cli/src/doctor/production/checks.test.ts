// Each check on a set-up that is right, and on one that is not. That the facts are read as they are: doctor.test.ts.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig, type Environment } from "@nexus-functions/server/config";
import { readTokens, type WrittenToken } from "@nexus-functions/server/core/api-token";
import { natsServers, type NatsOptions } from "@nexus-functions/server/core/nats";
import { loadProject, type Project } from "@nexus-functions/server/functions/project";
import { natsOptions } from "@nexus-functions/server/nats/options";
import type { Figures } from "../../figures.ts";
import { FIXTURES, temporaryFolder } from "../../testing/nexus.ts";
import type { Finding } from "../finding.ts";
import { PRODUCTION_CHECKS } from "./checks.ts";
import type { Served } from "./served.ts";
import type { Setup } from "./setup.ts";
import type { TokensFound } from "./tokens.ts";

const GiB = 2 ** 30;

async function project(yaml: string): Promise<Project> {
  await using folder = await temporaryFolder();
  const configFile = join(folder.path, "nexus.yaml");
  await writeFile(configFile, `version: v1\n${yaml}`);
  return await loadProject({ configFile });
}

function config(env: Environment = {}): Setup["config"] {
  return readConfig(env, { host: env["NEXUS_HOST"] ?? "0.0.0.0" }, () => false);
}

function written(text: string): readonly WrittenToken[] {
  const read = readTokens(text);
  if (typeof read === "string") throw new Error(read);
  return read;
}

function tokens(text: string): TokensFound {
  return { from: "environment", written: written(text) };
}

function nats(servers: string, more: Partial<NatsOptions> = {}): NatsOptions {
  return natsOptions({ ownNats: false }, { servers: natsServers(servers), ...more })!;
}

const HEX = "f3a91c07d2b84e65f3a91c07d2b84e6559ab01cd77ef20348899aabb5c6d7e0f";
const FIGURES: Figures = {
  accepted: 0,
  duplicates: 0,
  rejected: 0,
  append: { p50: null, p99: null },
  events: 0,
  records: 0,
  deadLetters: 0,
  bytes: 0,
  workers: 2,
  workersBusy: 0,
  queued: 0,
  functions: [],
};

function behind(lagSeconds: number): Figures {
  const counts = { runs: 1, failed: 0, waiting: 3, retrying: 0, dead: 0, p50: null, p99: null };
  return { ...FIGURES, functions: [{ name: "a", lagSeconds, ...counts }] };
}

const SERVED: Served = {
  health: {
    status: "ok",
    version: "1.2.3",
    uptime_seconds: 5,
    log: {
      driver: "embedded",
      connected: true,
      durability: "on this disk",
      tail: 0,
      events: 0,
      invocations: 0,
      dead_letters: 0,
      bytes: GiB,
    },
    nats_connected: false,
  },
  notReady: [],
  isOpen: false,
  aheadMs: 300,
  figures: FIGURES,
};

const GOOD: Setup = {
  config: config({
    NEXUS_TRUSTED_PROXIES: "10.0.0.0/8",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    NEXUS_WORKERS: "4",
  }),
  tokens: { from: "file", path: "tokens", mode: 0o400, written: written(`${HEX},publish:${HEX}`) },
  project: await project(`
rate_limit: { requests: 100 }
retention: { events: { max_age: 30d, max_size: 10Gi }, invocations: { max_size: 1Gi } }
functions:
  - { name: a, on: { http: { path: /a, auth: required } }, code: ${FIXTURES}noop.wasm }
`),
  nats: undefined,
  natsFound: undefined,
  machine: {
    uid: 1000,
    node: "26.10.0",
    cores: 2,
    memoryBytes: 2 * GiB,
    memoryIsLimited: true,
    openFiles: 65_536,
  },
  dataDir: {
    path: "data",
    access: { mode: 0o700, uid: 1000 },
    kind: "disk",
    freeBytes: 100 * GiB,
    totalBytes: 200 * GiB,
  },
  served: SERVED,
  url: "http://nexus.example:8080",
  version: "1.2.3",
};

const ON_NATS: Partial<Setup> = {
  nats: nats("tls://a:secret@nats-0:4222"),
  natsFound: { version: "2.10.0", cluster: "c", asksWho: true },
};

function look(name: string, change: Partial<Setup>): Omit<Finding, "check"> | undefined {
  const check = PRODUCTION_CHECKS.find((one) => one.name === name);
  assert.ok(check, name);
  return check.look({ ...GOOD, ...change });
}

type Case = readonly [
  check: string,
  why: string,
  change: Partial<Setup>,
  state: Finding["state"] | "left out",
  detail: RegExp,
];

const { machine, dataDir } = GOOD;
const bare = { config: config() };
const CASES: readonly Case[] = [
  [
    "api-token",
    "in the environment",
    { tokens: tokens(HEX) },
    "ok",
    /^1 token, in NEXUS_API_TOKEN$/,
  ],
  ["api-token", "none beyond loopback", { tokens: { from: "nowhere" } }, "failed", /0\.0\.0\.0/],
  [
    "api-token",
    "none on loopback",
    { tokens: { from: "nowhere" }, config: config({ NEXUS_HOST: "127.0.0.5" }) },
    "warning",
    /whoever is on this machine/,
  ],
  ["api-token", "made at first", { tokens: { from: "first start" } }, "ok", /hash/],
  [
    "api-token",
    "made on each of many nodes",
    { tokens: { from: "first start" }, ...ON_NATS },
    "failed",
    /another one on each node/,
  ],
  [
    "api-token",
    "a file that is not there",
    { tokens: { from: "unreadable file", path: "tokens", why: "ENOENT" } },
    "failed",
    /^tokens cannot be used: ENOENT$/,
  ],
  ["token-strength", "few letters", { tokens: tokens("a".repeat(300)) }, "failed", /1 has 0 bits/],
  [
    "token-strength",
    "short",
    { tokens: tokens("0123456789abcdef") },
    "failed",
    /has 64 bits at most/,
  ],
  [
    "token-strength",
    "a placeholder among good ones",
    { tokens: tokens(`${HEX} read:Change-Me-Change-Me-Please-1234567890-qwertz`) },
    "failed",
    /^token 2 holds "change"$/,
  ],
  ["token-strength", "none written", { tokens: { from: "nowhere" } }, "left out", /^/],
  ["token-scopes", "admin only", { tokens: tokens(HEX) }, "warning", /admin only/],
  ["token-scopes", "two", {}, "ok", /^admin, publish$/],
  ...(
    [
      [0o400, "ok"],
      [0o640, "ok"],
      [0o644, "failed"],
      [0o602, "failed"],
      [0o660, "failed"],
    ] as const
  ).map(([mode, state]): Case => {
    const found = { from: "file", path: "tokens", mode, written: written(HEX) } as const;
    const shown = `0${mode.toString(8)}`;
    return ["token-file", `of mode ${shown}`, { tokens: found }, state, new RegExp(shown)];
  }),
  ["token-file", "in the environment", { tokens: tokens(HEX) }, "left out", /^/],
  ["tls", "nothing in front", bare, "warning", /plain HTTP on 0\.0\.0\.0/],
  ["tls", "loopback", { config: config({ NEXUS_HOST: "::1" }) }, "ok", /this machine/],
  ["tls", "asked over TLS", { ...bare, url: "https://nexus.example" }, "ok", /is TLS/],
  ["rate-limit", "none", { project: await project("functions: []") }, "warning", /one client/],
  [
    "rate-limit",
    "in the environment",
    { project: await project("functions: []"), config: config({ NEXUS_RATE_LIMIT: "7" }) },
    "ok",
    /^7 requests/,
  ],
  [
    "wrong-tokens",
    "as many as one likes",
    { project: await project("rate_limit: { wrong_tokens: 0 }\nfunctions: []") },
    "failed",
    /guess/,
  ],
  [
    "open-triggers",
    "one",
    {
      project: await project(
        `functions:\n  - { name: a, on: [{ http: { path: /a } }, { http: { method: GET, path: /b, auth: required } }], code: ${FIXTURES}noop.wasm }\n`,
      ),
    },
    "warning",
    /^anybody may call POST \/a \(a\)$/,
  ],
  [
    "data-dir-access",
    "not there",
    { dataDir: { ...dataDir, access: undefined } },
    "ok",
    /will be made/,
  ],
  [
    "data-dir-access",
    "another user's",
    { dataDir: { ...dataDir, access: { mode: 0o700, uid: 0 } } },
    "failed",
    /belongs to user 0, and this is user 1000/,
  ],
  [
    "data-dir-access",
    "open to read",
    { dataDir: { ...dataDir, access: { mode: 0o755, uid: 1000 } } },
    "warning",
    /0755/,
  ],
  [
    "data-dir-access",
    "open to write",
    { dataDir: { ...dataDir, access: { mode: 0o777, uid: 1000 } } },
    "failed",
    /0777/,
  ],
  ["data-dir-volume", "in memory", { dataDir: { ...dataDir, kind: "memory" } }, "failed", /memory/],
  [
    "data-dir-volume",
    "over the network",
    { dataDir: { ...dataDir, kind: "network" } },
    "failed",
    /fsync/,
  ],
  [
    "data-dir-volume",
    "of a container, with the log in NATS",
    { dataDir: { ...dataDir, kind: "container layer" }, ...ON_NATS },
    "ok",
    /copies of modules/,
  ],
  [
    "disk-room",
    "less than retention takes",
    { dataDir: { ...dataDir, freeBytes: 9 * GiB } },
    "failed",
    /grow by 10 GiB/,
  ],
  [
    "disk-room",
    "nearly full",
    { dataDir: { ...dataDir, freeBytes: 15 * GiB } },
    "warning",
    /15 GiB free of 200 GiB/,
  ],
  ["disk-room", "the log in NATS", ON_NATS, "left out", /^/],
  [
    "retention",
    "of events alone",
    { project: await project("retention: { events: { max_age: 1d } }\nfunctions: []") },
    "warning",
    /^invocations are kept for ever$/,
  ],
  ["durability", "of a server", {}, "ok", /^on this disk$/],
  ["durability", "without one", { served: undefined }, "ok", /one copy/],
  [
    "durability",
    "of a log that is away",
    {
      served: {
        ...SERVED,
        health: { ...SERVED.health, log: { ...SERVED.health.log, connected: false } },
      },
    },
    "failed",
    /cannot be reached/,
  ],
  ["user", "root", { machine: { ...machine, uid: 0 } }, "failed", /root/],
  [
    "node-release",
    "an odd one",
    { machine: { ...machine, node: "27.1.0" } },
    "warning",
    /27\.1\.0/,
  ],
  [
    "memory",
    "less than functions may take",
    { machine: { ...machine, memoryBytes: GiB / 2 } },
    "failed",
    /^4 threads × 128 MiB for functions, and the server, are 960 MiB; 512 MiB are allowed$/,
  ],
  [
    "memory",
    "without a limit",
    { machine: { ...machine, memoryIsLimited: false } },
    "warning",
    /no limit/,
  ],
  ["open-files", "few", { machine: { ...machine, openFiles: 1023 } }, "failed", /^1023/],
  ["open-files", "some", { machine: { ...machine, openFiles: 1024 } }, "warning", /^1024/],
  [
    "log-format",
    "for people",
    { config: config({ NEXUS_LOG_FORMAT: "pretty" }) },
    "warning",
    /pretty/,
  ],
  ["log-level", "debug", { config: config({ NEXUS_LOG_LEVEL: "debug" }) }, "warning", /debug/],
  ["telemetry", "nowhere", bare, "warning", /nowhere/],
  [
    "telemetry",
    "to no address",
    { config: config({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }) },
    "warning",
    /not an http or https URL/,
  ],
  [
    "nats-version",
    "that cannot sync",
    { ...ON_NATS, natsFound: { version: "2.9.10", cluster: "c", asksWho: true } },
    "warning",
    /2\.9\.10/,
  ],
  ["nats-version", "good", ON_NATS, "ok", /sync_interval/],
  ["nats-credentials", "good", ON_NATS, "ok", /^given$/],
  [
    "nats-credentials",
    "none",
    { ...ON_NATS, nats: nats("nats://nats-0:4222"), natsFound: undefined },
    "failed",
    /whoever reaches NATS/,
  ],
  [
    "nats-credentials",
    "none on this machine",
    {
      nats: nats("127.0.0.1"),
      natsFound: { version: "2.10.0", cluster: undefined, asksWho: false },
    },
    "warning",
    /on this machine/,
  ],
  ["nats-credentials", "no NATS", {}, "left out", /^/],
  ["nats-tls", "good", ON_NATS, "ok", /^asked for$/],
  ["nats-tls", "none", { nats: nats("nats://nats-0:4222") }, "warning", /read on the way/],
  [
    "nats-tls",
    "none on this machine",
    { nats: nats("nats://localhost:4222") },
    "ok",
    /this machine/,
  ],
  ["nats-replicas", "good", ON_NATS, "ok", /^3 copies in the cluster "c"$/],
  [
    "nats-replicas",
    "two asked for",
    { ...ON_NATS, nats: nats("tls://nats-0:4222", { replicas: 2 }) },
    "failed",
    /replicas: 2/,
  ],
  [
    "nats-replicas",
    "one server",
    { ...ON_NATS, natsFound: { version: "2.10.0", cluster: undefined, asksWho: true } },
    "warning",
    /^one copy/,
  ],
  [
    "server-answers",
    "nobody",
    { served: undefined },
    "warning",
    /nobody at http:\/\/nexus\.example/,
  ],
  [
    "server-version",
    "another",
    { version: "1.3.0" },
    "warning",
    /is 1\.2\.3, this command 1\.3\.0/,
  ],
  ["server-version", "nobody", { served: undefined }, "left out", /^/],
  ["server-ready", "not", { served: { ...SERVED, notReady: ["a", "b"] } }, "failed", /^a; b$/],
  ["server-guarded", "open", { served: { ...SERVED, isOpen: true } }, "failed", /anybody/],
  [
    "server-guarded",
    "open on this machine",
    { served: { ...SERVED, isOpen: true }, url: "http://[::1]:8080" },
    "warning",
    /anybody/,
  ],
  ["server-clock", "ahead", { served: { ...SERVED, aheadMs: 60_000 } }, "warning", /^1m ahead of/],
  ["server-clock", "behind", { served: { ...SERVED, aheadMs: -60_000 } }, "warning", /^1m behind/],
  ["metrics-access", "none", { served: { ...SERVED, figures: "no" } }, "warning", /^no; dead/],
  [
    "dead-letters",
    "some",
    { served: { ...SERVED, figures: { ...FIGURES, deadLetters: 2 } } },
    "warning",
    /^2 dead letters$/,
  ],
  ["dead-letters", "not known", { served: { ...SERVED, figures: "no" } }, "left out", /^/],
  [
    "backlog",
    "late",
    { served: { ...SERVED, figures: behind(120) } },
    "warning",
    /^a is 2m behind \(3 waiting/,
  ],
  [
    "backlog",
    "stuck",
    { served: { ...SERVED, figures: behind(3600) } },
    "failed",
    /^a is 1h behind/,
  ],
  ["backlog", "a little", { served: { ...SERVED, figures: behind(60) } }, "ok", /^no function/],
];

for (const [name, why, change, state, detail] of CASES) {
  test(`${name}, ${why}: ${state}`, () => {
    const verdict = look(name, change);
    if (state === "left out") return assert.equal(verdict, undefined);
    assert.ok(verdict);
    assert.equal(verdict.state, state, verdict.detail);
    assert.match(verdict.detail, detail);
    assert.equal(
      verdict.remedy === undefined,
      state === "ok",
      "what to do, where something is wrong",
    );
    for (const secret of [HEX, "secret", "Please"])
      assert.ok(!JSON.stringify(verdict).includes(secret));
  });
}

test("a set-up that is right has nothing to say against it, on its own disk and on NATS", () => {
  for (const setup of [GOOD, { ...GOOD, ...ON_NATS }]) {
    const findings = PRODUCTION_CHECKS.map(({ name, look: lookAt }) => [
      name,
      lookAt(setup)?.state,
    ]);
    assert.deepEqual(
      findings.filter(([, state]) => state !== "ok" && state !== undefined),
      [],
    );
  }
});

test("each check is shown to find something wrong, under a name of its own", () => {
  const names = PRODUCTION_CHECKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const found = new Set(
    CASES.filter(([, , , state]) => state === "warning" || state === "failed").map(
      ([name]) => name,
    ),
  );
  assert.deepEqual(
    names.filter((name) => !found.has(name)),
    [],
  );
});
