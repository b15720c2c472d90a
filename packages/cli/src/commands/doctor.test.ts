// nexus doctor --production on real files and real servers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { natsServerPlace, processEnvironment } from "@nexus-functions/server/config";
import { startDevNats } from "@nexus-functions/server/nats/dev-server";
import type { Finding } from "../doctor/finding.ts";
import { BIN, freePort, nexus, startNexus, type RunOptions } from "../testing/nexus.ts";
import { project, writeProject } from "../testing/project.ts";

const TIMEOUT = { timeout: 60_000 };
const ADMIN = "f3a91c07d2b84e65f3a91c07d2b84e6559ab01cd77ef20348899aabb5c6d7e0f";
const READ = ADMIN.split("").toReversed().join("");

interface Report {
  readonly code: number | null;
  readonly ok: boolean;
  /** Of the checks by name: the state, and what was found. */
  readonly found: ReadonlyMap<string, Finding>;
}

async function doctor(args: readonly string[], options: RunOptions): Promise<Report> {
  const { code, stdout, stderr } = await nexus(
    ["doctor", "--production", "--json", ...args],
    options,
  );
  assert.equal(stderr, "");
  return report(code, stdout);
}

function report(code: number | null, stdout: string): Report {
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: readonly Finding[] };
  for (const secret of [ADMIN, READ]) assert.ok(!stdout.includes(secret));
  return { code, ok, found: new Map(findings.map((finding) => [finding.check, finding])) };
}

function states({ found }: Report, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, found.get(name)?.state]));
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function all(names: readonly string[], state: Finding["state"]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, state]));
}

const CAREFUL = `
  - name: hello
    on: [{ event: com.example.* }, { http: { path: /hello, auth: required } }]
    code: "{probe}"
    memory: 16Mi
rate_limit: { requests: 1000 }
retention: { events: { max_age: 30d, max_size: 10Mi }, invocations: { max_age: 7d, max_size: 10Mi } }
`;

test(
  "nexus doctor --production finds nothing wrong with a server that is set up with care",
  TIMEOUT,
  async () => {
    await using folder = await project(CAREFUL);
    const dataDir = join(folder.path, "data");
    await mkdir(dataDir, { mode: 0o700 });
    const tokens = join(folder.path, "tokens");
    await writeFile(tokens, `admin:${ADMIN}\nread:${READ}\n`, { mode: 0o400 });
    const env = {
      NEXUS_API_TOKEN_FILE: tokens,
      NEXUS_DATA_DIR: dataDir,
      NEXUS_HOST: "0.0.0.0",
      NEXUS_TRUSTED_PROXIES: "127.0.0.1",
      NEXUS_WORKERS: "1",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_TRACES_SAMPLER: "always_off",
    };
    await using server = startNexus(["start", "--port", "0"], { cwd: folder.path, env });
    const [, port] = await server.shows(/"url":"http:[^"]*:(\d+)"/);
    const url = `http://127.0.0.1:${port}`;
    const checked = await doctor(["--url", url], { cwd: folder.path, env });
    const right = words(`
      api-token token-strength token-scopes token-file tls rate-limit wrong-tokens open-triggers
      data-dir-access retention durability node-release log-format log-level telemetry
      server-answers server-version server-ready server-guarded server-clock
      metrics-access dead-letters backlog
    `);
    assert.deepEqual(states(checked, right), all(right, "ok"));
    // These are as the machine of the test is.
    const machine = ["data-dir-volume", "disk-room", "user", "memory", "open-files"];
    for (const name of machine) assert.ok(checked.found.has(name), name);
    assert.equal(checked.found.get("user")?.state, process.getuid?.() === 0 ? "failed" : "ok");
    const failed = [...checked.found.values()].filter(({ state }) => state === "failed");
    assert.deepEqual([checked.ok, checked.code], failed.length === 0 ? [true, 0] : [false, 1]);
    assert.equal(
      [...checked.found.keys()].some((name) => name.startsWith("nats-")),
      false,
    );

    const reader = join(folder.path, "reader");
    await writeFile(reader, READ);
    const asReader = await doctor(["--url", url, "--token-file", reader], {
      cwd: folder.path,
      env,
    });
    assert.equal(asReader.found.get("metrics-access")?.state, "ok");
    await writeFile(reader, `publish:${READ.slice(1)}`);
    const wrong = await doctor(["--url", url, "--token-file", reader], { cwd: folder.path, env });
    assert.deepEqual(states(wrong, ["metrics-access", "dead-letters", "server-ready"]), {
      "metrics-access": "warning",
      "dead-letters": undefined,
      "server-ready": "ok",
    });
  },
);

const CARELESS = `
  - name: hello
    on: [{ event: com.example.* }, { http: { path: /hello } }]
    code: "{probe}"
    memory: 4Gi
    env: { FAIL_UNTIL: "9" }
    retry: { attempts: 1 }
rate_limit: { wrong_tokens: 0 }
`;

test(
  "nexus doctor --production says what is wrong with one that is not, and ends with 1",
  TIMEOUT,
  async () => {
    await using folder = await project(CARELESS);
    const cwd = folder.path;
    await using server = startNexus(["start", "--host", "127.0.0.1", "--port", "0"], { cwd });
    const [, url] = await server.shows(/"url":"([^"]+)"/);
    const sent = await fetch(`${url}/events/com.example.a?wait=30s`, { method: "POST" });
    assert.equal(sent.status, 200);
    const dataDir = join(cwd, ".nexus");
    await chmod(dataDir, 0o777);
    const tokens = join(cwd, "tokens");
    await writeFile(tokens, "password-password", { mode: 0o644 });
    await chmod(tokens, 0o644); // whatever the umask is
    const env = {
      NEXUS_API_TOKEN_FILE: tokens,
      NEXUS_LOG_FORMAT: "pretty",
      NEXUS_LOG_LEVEL: "debug",
      NEXUS_WORKERS: "1000",
    };
    const checked = await doctor(["--url", url!], { cwd, env });
    assert.deepEqual([checked.ok, checked.code], [false, 1]);
    const wrong = ["token-strength", "token-file", "wrong-tokens", "data-dir-access", "memory"];
    assert.deepEqual(states(checked, wrong), all(wrong, "failed"));
    const doubtful = words(`
      token-scopes tls rate-limit open-triggers retention log-format log-level telemetry
      server-guarded dead-letters
    `);
    assert.deepEqual(states(checked, doubtful), all(doubtful, "warning"));
    assert.match(checked.found.get("dead-letters")!.detail, /^1 dead letter$/);
    assert.match(checked.found.get("open-triggers")!.detail, /POST \/hello \(hello\)/);
    assert.doesNotMatch(JSON.stringify([...checked.found.values()]), /password-password/);

    const { code, stdout } = await nexus(["doctor", "--production", "--url", url!], { cwd, env });
    assert.equal(code, 1);
    assert.match(stdout, /^✗ token-file +\S+ has mode 0644\n +→ chmod 0400 /m);
    assert.match(stdout, /\n\d+ checks failed\. \d+ warnings\.\n$/);
    const plain = await nexus(["doctor", "--url", url!], { cwd, env });
    assert.doesNotMatch(plain.stdout, /token-file/);
    assert.equal(plain.code, 0);
  },
);

test(
  "nexus doctor --production looks at the limits of its process, and at its volume",
  { ...TIMEOUT, skip: process.platform !== "linux" && "only Linux has /proc and /dev/shm" },
  async () => {
    await using folder = await project(CAREFUL);
    const shell = `ulimit -n 900; exec "$0" "$@"`;
    const args = [shell, process.execPath, BIN, "doctor", "--production", "--json", "--data-dir"];
    const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
      const env = { PATH: process.env["PATH"] };
      execFile(
        "sh",
        ["-c", ...args, "/dev/shm/nexus-doctor"],
        { cwd: folder.path, env },
        (_, out) => resolve({ stdout: out }),
      );
    });
    const checked = report(1, stdout);
    assert.deepEqual(
      [checked.found.get("open-files")?.state, checked.found.get("open-files")?.detail],
      ["failed", "900 descriptors"],
    );
    assert.match(
      checked.found.get("data-dir-volume")!.detail,
      /^\/dev\/shm\/nexus-doctor is on a file system in memory/,
    );
    assert.equal(checked.found.get("api-token")?.state, "failed");
    assert.equal(checked.found.get("server-answers")?.state, "warning");
    assert.equal(checked.found.has("server-ready"), false);
  },
);

test("nexus doctor --production asks the nats-server that keeps the log", TIMEOUT, async () => {
  await using folder = await project(CAREFUL);
  const nats = await startDevNats({
    dataDir: join(folder.path, "nats"),
    where: natsServerPlace(processEnvironment()),
  });
  try {
    const env = { NATS_URL: nats.url, NEXUS_API_TOKEN: ADMIN };
    const checked = await doctor([], { cwd: folder.path, env });
    assert.deepEqual(states(checked, ["nats", "nats-credentials", "nats-tls", "nats-replicas"]), {
      nats: checked.found.get("nats-version")!.state, // by its version
      "nats-credentials": nats.url.includes("@") ? "ok" : "warning",
      "nats-tls": "ok",
      "nats-replicas": "warning",
    });
    assert.equal(checked.found.get("disk-room"), undefined);
  } finally {
    await nats.stop();
  }
  const gone = await doctor([], {
    cwd: folder.path,
    env: { NATS_URL: "nats://nats.invalid:4222" },
  });
  assert.deepEqual(states(gone, ["nats", "nats-credentials", "nats-version"]), {
    nats: "failed",
    "nats-credentials": "failed",
    "nats-version": undefined,
  });
});

test(
  "nexus doctor --production tells a server of another version, and one whose clock is off",
  TIMEOUT,
  async () => {
    await using folder = await project(CAREFUL);
    const { server, url } = await otherServer();
    try {
      const checked = await doctor(["--url", url], { cwd: folder.path });
      const names = ["server-version", "server-ready", "server-clock", "server-guarded"];
      assert.deepEqual(states(checked, names), {
        "server-version": "warning",
        "server-ready": "failed",
        "server-clock": "warning",
        "server-guarded": "warning",
      });
      assert.match(
        checked.found.get("server-version")!.detail,
        /^the server is 0\.0\.1, this command /,
      );
      assert.match(checked.found.get("server-clock")!.detail, / behind this one's$/);
    } finally {
      server.close();
    }
  },
);

/** A server far away: of a version that is not this one's, and years behind. */
async function otherServer(): Promise<{ readonly server: Server; readonly url: string }> {
  const log = { driver: "embedded", connected: true, durability: "none", bytes: 0 };
  const answers: Readonly<Record<string, unknown>> = {
    "/health": { status: "ok", version: "0.0.1", uptime_seconds: 1, log },
    "/readyz": { ready: false, reasons: ["The server is stopping"], durability: "none" },
    "/functions": { functions: [] },
    "/metrics": {},
  };
  const server = createServer((request, response) => {
    response.sendDate = false;
    response.writeHead(200, {
      "content-type": "application/json",
      date: "Tue, 01 Nov 2022 00:00:00 GMT",
      connection: "close",
    });
    response.end(JSON.stringify(answers[request.url!.split("?", 1)[0]!]));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test(
  "nexus doctor --production reads a project that cannot be read as far as it can",
  TIMEOUT,
  async () => {
    await using folder = await project("");
    await writeProject(folder.path, "  - { name: A }\n");
    const checked = await doctor([], { cwd: folder.path });
    assert.equal(checked.found.get("config")?.state, "failed");
    assert.equal(checked.found.get("retention"), undefined);
    assert.equal(checked.found.get("api-token")?.state, "failed");
    assert.equal(checked.code, 1);
  },
);
