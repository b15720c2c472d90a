import assert from "node:assert/strict";
import { chmod, rm, symlink, truncate } from "node:fs/promises";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { loadProject, type Project, type ProjectSource } from "./project.ts";
import { EMPTY_MODULE, folderWith, taggedModule, type Folder } from "./testing/folder.ts";

const ON = "on: { event: a }";

/** The problems of a project with this nexus.yaml (and an a.wasm), without the folder's name. */
async function problemsOf(
  yaml: string | Uint8Array,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<readonly string[]> {
  await using folder = await folderWith({ "a.wasm": EMPTY_MODULE, "nexus.yaml": yaml, ...files });
  return await problemsIn(folder, { configFile: folder.at("nexus.yaml") });
}

async function problemsIn(folder: Folder, source: ProjectSource): Promise<readonly string[]> {
  try {
    await loadProject(source);
    return [];
  } catch (error) {
    assert.ok(error instanceof NexusError, String(error));
    assert.equal(error.code, "CONFIG_INVALID");
    const [head, ...lines] = error.message.replaceAll(`${folder.path}/`, "").split("\n  ");
    const problems = error.details["problems"] as readonly unknown[];
    assert.equal(lines.length, problems.length);
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    assert.equal(head, `Cannot load configuration: ${count}`);
    return lines;
  }
}

async function loaded(yaml: string): Promise<Project> {
  await using folder = await folderWith({ "a.wasm": EMPTY_MODULE, "nexus.yaml": yaml });
  return await loadProject({ configFile: folder.at("nexus.yaml"), now: () => 1000 });
}

/** A nexus.yaml with one function that has this line too; the line is the sixth. */
function withLine(line: string): string {
  return `version: v1\nfunctions:\n  - name: a\n    ${ON}\n    code: a.wasm\n    ${line}\n`;
}

test("loadProject() reads an example with every setting of a function", async () => {
  const { functions, platform, warnings, modules } = await loaded(`
version: v1
functions:
  - name: user-welcome
    on:                          # one trigger or a list
      - event: com.example.user.*       # type pattern
      - http: { method: POST, path: /welcome }
      - cron: "*/5 * * * *"
      - nats: orders.created            # raw NATS subject (NATS driver)
    runtime: wasi-preview1
    code: ./a.wasm
    timeout: 5s
    memory: 128Mi
    env: { LOG_LEVEL: info }
    concurrency: 8
    order_by: data.user_id       # strict order per key, retries included
    retry: { attempts: 5, backoff: 1s, max_backoff: 5m, jitter: true }
`);
  const [{ version, moduleSha256, ...rest }] = functions as [Project["functions"][number]];
  assert.match(version, /^[0-9a-f]{64}$/);
  assert.deepEqual(modules.get(moduleSha256), Buffer.from(EMPTY_MODULE));
  assert.deepEqual(rest, {
    name: "user-welcome",
    triggers: [
      { kind: "event", pattern: "com.example.user.*" },
      { kind: "http", method: "POST", path: "/welcome", respond: false },
      { kind: "cron", schedule: "*/5 * * * *", timezone: "UTC" },
      { kind: "nats", subject: "orders.created" },
    ],
    limits: {
      timeoutMs: 5000,
      memoryBytes: 134_217_728,
      outputBytes: 1_048_576,
      logBytes: 262_144,
      logLines: 1000,
      emits: 100,
      hostCalls: 100_000_000,
      cpuMs: 0,
      tableElements: 1_000_000,
      moduleBytes: 67_108_864,
    },
    env: { LOG_LEVEL: "info" },
    concurrency: 8,
    orderBy: "data.user_id",
    retry: { attempts: 5, backoffMs: 1000, maxBackoffMs: 300_000, jitter: true },
    output: "answer",
    start: "latest",
    moduleBytes: 8,
    code: "./a.wasm",
    deployedAt: 1000,
  });
  assert.deepEqual(platform, {
    eventBytes: 1_048_576,
    chainDepth: 16,
    rateLimit: { wrongTokens: { perSecond: 0.5, burst: 30 } },
    retention: { events: {}, invocations: {} },
    replay: { verifyEveryMs: 10_000 },
  });
  assert.deepEqual(warnings, []);
});

test("loadProject() takes a setting from the function, else from defaults, else from the platform", async () => {
  const { functions, platform } = await loaded(`
version: v1
limits: { event: 65536, chain_depth: 3 }
rate_limit: { requests: 100, wrong_tokens: 0 }
replay: { verify: 1m }
retention: { events: { max_age: 30d, max_size: 10Gi }, invocations: { max_age: 1h } }
defaults:
  timeout: 2s
  env: { A: "1", B: "1" }
  retry: { attempts: 2, backoff: 10m }
  limits: { emits: 7, stack: 500 }
  output: events
functions:
  - { name: a, on: { event: a }, code: a.wasm }
  - name: b
    on: [{ http: { path: /events/user.created } }, { cron: { schedule: "0 0 8 * * mon", timezone: Europe/Berlin } }]
    code: a.wasm
    timeout: 1m30s
    env: { B: "2" }
    retry: { jitter: false }
    limits: { log_lines: 0, logs: 0 }
    start: earliest
`);
  const [a, b] = functions;
  assert.equal(a?.limits.timeoutMs, 2000);
  assert.equal(a?.limits.memoryBytes, 134_217_728);
  assert.deepEqual(a?.env, { A: "1", B: "1" });
  // No wait is longer than max_backoff, but for backoff itself.
  assert.deepEqual(a?.retry, {
    attempts: 2,
    backoffMs: 600_000,
    maxBackoffMs: 600_000,
    jitter: true,
  });
  assert.equal(a?.output, "events");
  assert.equal(b?.limits.timeoutMs, 90_000);
  assert.deepEqual(b?.env, { A: "1", B: "2" });
  assert.equal(b?.retry.jitter, false);
  assert.equal(b?.retry.attempts, 2);
  assert.deepEqual([b?.limits.emits, b?.limits.logLines, b?.limits.logBytes], [7, 0, 0]);
  assert.equal(b?.limits.stackCalls, 500);
  assert.equal(b?.start, "earliest");
  assert.deepEqual(b?.triggers, [
    { kind: "event", pattern: "user.created" },
    { kind: "cron", schedule: "0 0 8 * * mon", timezone: "Europe/Berlin" },
  ]);
  assert.deepEqual(platform, {
    eventBytes: 65_536,
    chainDepth: 3,
    rateLimit: { requests: { perSecond: 100, burst: 200 } },
    retention: {
      events: { maxAgeMs: 2_592_000_000, maxBytes: 10_737_418_240 },
      invocations: { maxAgeMs: 3_600_000 },
    },
    replay: { verifyEveryMs: 60_000 },
  });
});

test("loadProject() takes replays that verify, or do not, and refuses another word", async () => {
  const withVerify = (verify: string) =>
    `version: v1\nreplay: { verify: ${verify} }\nfunctions: []\n`;
  const { platform } = await loaded(withVerify('"off"'));
  assert.deepEqual(platform.replay, { verifyEveryMs: 0 });
  await assert.rejects(loaded(withVerify("sometimes")), {
    message: /replay\.verify: "sometimes" is not a duration, or "off" \(try "10s"\)/,
  });
  await assert.rejects(loaded(withVerify("10ms")), {
    message: /"10ms" is not between 1s and 24h/,
  });
});

test("loadProject() takes a burst of its own, and refuses one without requests", async () => {
  const withLimit = (limit: string) => `version: v1\nrate_limit: ${limit}\nfunctions: []\n`;
  const { platform } = await loaded(withLimit("{ requests: 5, burst: 1, wrong_tokens: 6 }"));
  assert.deepEqual(platform.rateLimit, {
    requests: { perSecond: 5, burst: 1 },
    wrongTokens: { perSecond: 0.1, burst: 6 },
  });
  assert.deepEqual(await problemsOf(withLimit("{ burst: 5 }")), [
    'nexus.yaml:2:15: rate_limit.burst: 5 is of no use without "requests"',
  ]);
  assert.deepEqual(await problemsOf(withLimit("{ requests: 0 }")), [
    "nexus.yaml:2:15: rate_limit.requests: 0 is not a whole number from 1 to 1000000 (try 1)",
  ]);
});

const LINES: readonly (readonly [line: string, problem: string])[] = [
  [
    "timeout: 5 parsecs",
    'nexus.yaml:6:5: functions[0].timeout: "5 parsecs" is not a duration (try "5s")',
  ],
  ["timeout: 5", 'nexus.yaml:6:5: functions[0].timeout: 5 is not a duration (try "5s")'],
  ["timeout:", 'nexus.yaml:6:5: functions[0].timeout: an empty value is not a duration (try "5s")'],
  ["timeout: 16m", 'nexus.yaml:6:5: functions[0].timeout: "16m" is not between 1ms and 15m'],
  [
    "tiemout: 5s",
    'nexus.yaml:6:5: functions[0].tiemout: unknown setting (did you mean "timeout"?)',
  ],
  [
    "orderBy: subject",
    'nexus.yaml:6:5: functions[0].orderBy: unknown setting (did you mean "order_by"?)',
  ],
  [
    "zzz: 1",
    "nexus.yaml:6:5: functions[0].zzz: unknown setting (known here: name, on, code, runtime, timeout, memory, env, concurrency, order_by, retry, output, start, limits, scratch, record, redact, kv, fetch, secrets, mounts)",
  ],
  ["memory: 1Ki", 'nexus.yaml:6:5: functions[0].memory: "1Ki" is not between 64Ki and 4Gi'],
  ["memory: big", 'nexus.yaml:6:5: functions[0].memory: "big" is not a size (try "64Mi")'],
  ["memory: [1]", 'nexus.yaml:6:5: functions[0].memory: a list is not a size (try "64Mi")'],
  [
    "concurrency: 0",
    "nexus.yaml:6:5: functions[0].concurrency: 0 is not a whole number from 1 to 1024 (try 16)",
  ],
  [
    "output: event",
    'nexus.yaml:6:5: functions[0].output: "event" is not one of "answer", "events" (did you mean "events"?)',
  ],
  ["runtime: wasip2", 'nexus.yaml:6:5: functions[0].runtime: "wasip2" is not "wasi-preview1"'],
  ["env: { A: 5 }", 'nexus.yaml:6:12: functions[0].env.A: 5 is not a text (quote it: "5")'],
  [
    "env: { NEXUS_A: x }",
    "nexus.yaml:6:12: functions[0].env.NEXUS_A: is set by the platform itself (choose another name)",
  ],
  [
    'env: { "MY KEY": x }',
    'nexus.yaml:6:12: functions[0].env["MY KEY"]: is not a variable name: letters, digits and underscores, no digit in front',
  ],
  ["env: { __proto__: x }", 'nexus.yaml:6:12: "__proto__" cannot be a key'],
  ["env: { A: 1Mi, A: x }", 'nexus.yaml:6:20: "A" is there twice in one mapping'],
  [
    "retry: { backoff: 10s, max_backoff: 1s }",
    'nexus.yaml:6:28: functions[0].retry.max_backoff: "1s" is shorter than backoff, "10s"',
  ],
  ["retry: 3", "nexus.yaml:6:5: functions[0].retry: 3 is not a mapping (try { attempts: 5 })"],
  [
    'order_by: "data."',
    'nexus.yaml:6:5: functions[0].order_by: "data." is not a path into the event: names with a dot between them (try "data.user_id")',
  ],
  [
    "record: sample(10)",
    'nexus.yaml:6:5: functions[0].record: "sample(10)" is none of full, failures, sample(…%) and off (try "failures" or "sample(10%)")',
  ],
  [
    "record: 10%",
    'nexus.yaml:6:5: functions[0].record: "10%" is none of full, failures, sample(…%) and off (try "failures" or "sample(10%)")',
  ],
  ["record: true", 'nexus.yaml:6:5: functions[0].record: true is not a policy (try "failures")'],
  [
    "redact: data.a",
    'nexus.yaml:6:5: functions[0].redact: "data.a" is not a list of paths into the event (try [data.card.number])',
  ],
  [
    "redact: [data.a, data..b]",
    'nexus.yaml:6:22: functions[0].redact[1]: "data..b" is not a path into the event: names with a dot between them, and "[*]" for every item (try "data.items[*].secret")',
  ],
  [
    "redact: [fetch.query.key]",
    'nexus.yaml:6:14: functions[0].redact[0]: "fetch.query.key" does not lead into an answer (try "fetch.headers.set-cookie" or "fetch.body.token")',
  ],
  [
    "redact: [source]",
    'nexus.yaml:6:14: functions[0].redact[0]: "source" tells what the event is, and cannot be replaced (data, subject, extension attributes and output can)',
  ],
];

for (const [line, problem] of LINES) {
  test(`loadProject() says what is wrong with "${line}"`, async () => {
    assert.deepEqual(await problemsOf(withLine(line)), [problem]);
  });
}

const TRIGGERS: readonly (readonly [on: string, problem: string])[] = [
  [
    "com.example.*",
    'on: "com.example.*" is not a trigger or a list of triggers (try { event: "com.example.*" })',
  ],
  ["[]", 'on: the list holds no trigger (try - { event: "com.example.*" })'],
  ["{}", 'on: an empty mapping is not a trigger (try { event: "com.example.*" })'],
  [
    '{ event: a, cron: "* * * * *" }',
    'on: event and cron cannot share one entry (write a list with "- " before each trigger)',
  ],
  ["[{ evnt: a }]", 'on[0].evnt: unknown setting (did you mean "event"?)'],
  ['[{ event: "a b" }]', 'on[0].event: "a b" has a space or a control character in it'],
  [
    "{ event: nexus.http.request }",
    'on.event: "nexus.http.request" takes types of the platform\'s own: nothing but the platform makes events of "nexus.…"',
  ],
  [
    '{ cron: "61 * * * *" }',
    'on.cron: "61 * * * *" is not a cron schedule: Invalid value for minute: 61 (try "*/5 * * * *")',
  ],
  [
    '{ cron: "0 0 30 2 *" }',
    'on.cron: "0 0 30 2 *" is a cron schedule that never comes (no month of its list has such a day)',
  ],
  [
    '{ cron: { schedule: "0 0 31 4,6,9,11 *", timezone: Europe/Berlin } }',
    'on.cron.schedule: "0 0 31 4,6,9,11 *" is a cron schedule that never comes (no month of its list has such a day)',
  ],
  [
    '{ cron: { schedule: "* * * * *", timezone: Mars/Olympus } }',
    'on.cron.timezone: "Mars/Olympus" is not a time zone of the IANA database (try "Europe/Berlin")',
  ],
  ["{ http: { path: welcome } }", 'on.http.path: "welcome" must start with "/" (try "/welcome")'],
  [
    "{ http: { path: /a/:__proto__ } }",
    'on.http.path: "/a/:__proto__" has no name in ":__proto__" (try ":id")',
  ],
  ["{ http: { path: /a/../b } }", 'on.http.path: "/a/../b" must not have ".." in it'],
  [
    "{ http: { path: /health } }",
    'on.http.path: "/health" belongs to the server\'s own API: "/health" (try another first segment)',
  ],
  [
    "{ http: { path: /a, method: post } }",
    'on.http.method: "post" is not one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*" (did you mean "POST"?)',
  ],
  ["{ http: {} }", 'on.http.path: is required (try "/welcome")'],
  [
    "{ http: { path: /a, auth: require } }",
    'on.http.auth: "require" is not one of "none", "required" (did you mean "required"?)',
  ],
  [
    "{ http: { path: /events/a, auth: none } }",
    'on.http.auth: "none" cannot be: "/events/a" means events, whose call has the scope "publish" (try another path)',
  ],
  [
    "{ http: { path: /events/a, respond: true } }",
    'on.http.respond: true cannot be: "/events/a" means events, which are accepted with 202 (try another path)',
  ],
  [
    "{ http: { path: /events/a, method: GET } }",
    'on.http.method: "GET" cannot be: "/events/a" means events, which are sent with POST',
  ],
  ["{ nats: a..b }", 'on.nats: "a..b" has an empty part (try "orders.created")'],
  ["{ nats: $JS.API.INFO }", 'on.nats: "$JS.API.INFO" belongs to NATS itself: "$" in front'],
  ["{ nats: _INBOX.a }", 'on.nats: "_INBOX.a" belongs to NATS itself: replies go there'],
  [
    "{ nats: a.b>.c }",
    'on.nats: "a.b>.c" has a wildcard inside "b>" (a wildcard is a part of its own)',
  ],
  ["{ nats: a.>.b }", 'on.nats: "a.>.b" may have ">" as its last part only'],
  [
    '{ nats: "*.b" }',
    'on.nats: "*.b" takes what NATS and the platform send among themselves: a wildcard as its first part (try "orders.>")',
  ],
  [
    "{ nats: nexus.> }",
    'on.nats: "nexus.>" takes subjects of the platform\'s own: all that begin with "nexus."',
  ],
  [
    "{ nats: nexus.in.a }",
    'on.nats: "nexus.in.a" takes subjects of the platform\'s own: all that begin with "nexus."',
  ],
];

for (const [on, problem] of TRIGGERS) {
  test(`loadProject() says what is wrong with "on: ${on}"`, async () => {
    const yaml = `version: v1\nfunctions:\n  - name: a\n    on: ${on}\n    code: a.wasm\n`;
    const [found, ...others] = await problemsOf(yaml);
    assert.deepEqual(others, []);
    assert.equal(found?.replace(/^nexus\.yaml:4:\d+: functions\[0\]\./, ""), problem);
  });
}

const FILES: readonly (readonly [what: string, yaml: string | Uint8Array, problem: string])[] = [
  ["nothing", "", 'nexus.yaml:1:1: the file is empty (begin with "version: v1")'],
  ["comments", "# nothing\n", 'nexus.yaml:1:1: the file is empty (begin with "version: v1")'],
  ["a list", "- a\n", "nexus.yaml:1:1: a list is not a mapping (try version: v1)"],
  ["no version", "functions: []\n", 'nexus.yaml:1:1: version: is required: "v1"'],
  ["a wrong version", "version: 2\n", 'nexus.yaml:1:1: version: 2 is not "v1"'],
  [
    "functions by name",
    "version: v1\nfunctions: { a: {} }\n",
    "nexus.yaml:2:1: functions: a mapping is not a list of functions (try - name: hello)",
  ],
  [
    "a tab",
    "version: v1\nlimits:\n\tevent: 1Mi\n",
    "nexus.yaml:3:1: a tab cannot indent YAML (use spaces)",
  ],
  [
    "an open list",
    "version: v1\nfunctions: [\n",
    "nexus.yaml:3:1: this is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  [
    "a key twice",
    "version: v1\nversion: v1\n",
    'nexus.yaml:2:1: "version" is there twice in one mapping',
  ],
  [
    "an unknown alias",
    "version: *v\n",
    "nexus.yaml:1:1: this is not YAML: Unresolved alias (the anchor must be set before the alias): v",
  ],
  [
    "two documents",
    "version: v1\n---\nversion: v1\n",
    'nexus.yaml:2:1: the file holds more than one YAML document (remove the "---" and what follows)',
  ],
  ["depth", `version: ${"[".repeat(20_000)}`, "nexus.yaml:1:"],
  [
    "bytes that are no UTF-8",
    Buffer.from("version: v1\n# caf\xe9\n", "latin1"),
    "nexus.yaml:2:1: the file is not UTF-8 text (save it as UTF-8)",
  ],
  [
    "UTF-16",
    Buffer.from("\ufeffversion: v1\n", "utf16le"),
    "nexus.yaml:1:1: the file is UTF-16 text (save it as UTF-8)",
  ],
];

for (const [what, yaml, problem] of FILES) {
  test(`loadProject() says what is wrong with a file of ${what}`, async () => {
    const problems = await problemsOf(yaml);
    assert.equal(problems.length, 1);
    if (what === "depth")
      assert.match(problems[0]!, /^nexus\.yaml:1:\d+: the file is nested too deeply$/);
    else assert.deepEqual(problems, [problem]);
  });
}

test("loadProject() stops aliases that multiply, and lets many functions share one anchor", async () => {
  let bomb = "a0: &a0 [x, x]\n";
  for (let n = 1; n < 12; n += 1) {
    bomb += `a${n}: &a${n} [${Array.from({ length: 9 }, () => `*a${n - 1}`).join(", ")}]\n`;
  }
  assert.deepEqual(await problemsOf(bomb), [
    "nexus.yaml:1:1: its aliases multiply beyond what can be read (write the values out)",
  ]);
  const entries = Array.from(
    { length: 500 },
    (_, n) => `  - { name: f${n}, on: { event: a }, code: a.wasm, <<: *common }\n`,
  );
  const { functions } = await loaded(
    `version: v1\ndefaults: &common { timeout: 3s }\nfunctions:\n${entries.join("")}`,
  );
  assert.equal(functions.length, 500);
  assert.ok(functions.every(({ limits }) => limits.timeoutMs === 3000));
});

test("loadProject() reads a file that begins with a byte order mark", async () => {
  assert.equal(
    (await loaded(`\ufeff${withLine("timeout: 7s")}`)).functions[0]?.limits.timeoutMs,
    7000,
  );
});

test("loadProject() tells all problems at once, from top to bottom", async () => {
  const yaml = `version: v2
limits: { event: lots, chaindepth: 3 }
functions:
  - name: a
    ${ON}
    code: nope.wasm
    timeout: 1x
  - name: a
    code: a.wasm
  - 7
`;
  assert.deepEqual(await problemsOf(yaml), [
    'nexus.yaml:1:1: version: "v2" is not "v1" (did you mean "v1"?)',
    'nexus.yaml:2:11: limits.event: "lots" is not a size (try "1Mi")',
    'nexus.yaml:2:24: limits.chaindepth: unknown setting (did you mean "chain_depth"?)',
    'nexus.yaml:6:5: functions[0].code: "nope.wasm" does not exist (build the function first)',
    'nexus.yaml:7:5: functions[0].timeout: "1x" is not a duration (try "5s")',
    'nexus.yaml:8:5: functions[1].on: is required (try { event: "com.example.*" })',
    'nexus.yaml:8:5: functions[1].name: "a" is the name of another function: nexus.yaml:4:5: functions[0].name',
    'nexus.yaml:10:5: functions[2]: 7 is not a mapping (try { name: hello, on: { event: "com.example.*" }, code: ./build/hello.wasm })',
  ]);
});

test("loadProject() refuses HTTP triggers that take the same requests", async () => {
  const fn = (name: string, http: string): string =>
    `  - { name: ${name}, code: a.wasm, on: { http: ${http} } }\n`;
  const yaml = (...functions: readonly string[]): string =>
    `version: v1\nfunctions:\n${functions.join("")}`;
  const one = fn("a", "{ path: /users/:id }");
  assert.deepEqual(await problemsOf(yaml(one, fn("b", "{ path: /users/:name }"))), [
    'nexus.yaml:4:44: functions[1].on.http.path: "POST /users/:name" takes the same requests as "POST /users/:id": nexus.yaml:3:44: functions[0].on.http.path',
  ]);
  assert.equal(
    (await problemsOf(yaml(one, fn("b", '{ path: /users/:id, method: "*" }')))).length,
    1,
  );
  assert.deepEqual(await problemsOf(yaml(one, fn("b", "{ path: /users/:id, method: GET }"))), []);
  assert.deepEqual(await problemsOf(yaml(one, fn("b", "{ path: /users/me }"))), []);
  // Events are for everybody: no conflict.
  const events = "{ path: /events/user.created }";
  assert.deepEqual(await problemsOf(yaml(fn("a", events), fn("b", events))), []);
});

test("loadProject() takes record: of the function, else of defaults, and redact: of both", async () => {
  const yaml = `version: v1
defaults: { record: failures, redact: [data.a] }
functions:
  - { name: says, code: a.wasm, on: { event: a }, record: full, redact: [data.b, data.a] }
  - { name: silent, code: a.wasm, on: { event: a } }
  - { name: some, code: a.wasm, on: { event: a }, record: sample(2.5%) }
`;
  await using folder = await folderWith({ "nexus.yaml": yaml, "a.wasm": EMPTY_MODULE });
  const { functions } = await loadProject({ configFile: folder.at("nexus.yaml") });
  assert.deepEqual(
    functions.map(({ record, redact }) => [record, redact]),
    [
      [undefined, ["data.a", "data.b"]],
      [{ kind: "failures" }, ["data.a"]],
      [{ kind: "sample", percent: 2.5 }, ["data.a"]],
    ],
  );
});

test("loadProject() warns where requests that are answered pass an order, wherever order_by comes from", async () => {
  const rule = (path: string) =>
    `"POST ${path}" is answered at once: such calls do not wait for their turn by order_by "subject", which the function's other events keep`;
  const own =
    "  - { name: a, code: a.wasm, order_by: subject, on: { http: { path: /a, respond: true } } }";
  const warningsOf = async (yaml: string) =>
    (await loaded(yaml)).warnings.map((text) => text.replace(/^.*\/(?=nexus\.yaml)/, ""));
  assert.deepEqual(await warningsOf(`version: v1\nfunctions:\n${own}\n`), [
    `nexus.yaml:3:73: functions[0].on.http.respond: ${rule("/a")}`,
  ]);
  const two = `  - name: a
    code: a.wasm
    on:
      - event: x
      - http: { path: /b, respond: true }
  - { name: b, code: a.wasm, on: { http: { path: /c } } }
`;
  const defaults = "defaults: { order_by: subject }";
  assert.deepEqual(await warningsOf(`version: v1\n${defaults}\nfunctions:\n${two}`), [
    `nexus.yaml:8:27: functions[0].on[1].http.respond: ${rule("/b")}`,
  ]);
});

test("loadProject() takes a cron schedule that comes once in many years", async () => {
  for (const schedule of ["0 0 29 2 *", "0 0 29 2 mon", "0 0 31 * *"]) {
    const { functions } = await loaded(
      `version: v1\nfunctions:\n  - { name: a, code: a.wasm, on: { cron: "${schedule}" } }\n`,
    );
    assert.equal(functions.length, 1, schedule);
  }
});

test("loadProject() says what a file that is no module looks like", async () => {
  const cases: readonly (readonly [content: string | Uint8Array, problem: string])[] = [
    ["", "is empty: its build failed or has not finished"],
    [
      "export function x() {}",
      "is not a WebAssembly module: it looks like a text file (build it for wasm32-wasip1)",
    ],
    [
      "(module)",
      "is not a WebAssembly module: it looks like WebAssembly text (run wat2wasm) (build it for wasm32-wasip1)",
    ],
    [
      new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2]),
      "is not a WebAssembly module: it looks like an ELF program for this machine (build it for wasm32-wasip1)",
    ],
    [
      new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
      "is not a core module: it looks like a WebAssembly component (build it for wasm32-wasip1, not wasip2)",
    ],
    [EMPTY_MODULE.subarray(0, 6), "is cut off after 6 bytes (build it again)"],
    [taggedModule("abc").subarray(0, 12), "is cut off after 12 bytes (build it again)"],
    [
      new Uint8Array([9, 8, 7, 0]),
      "is not a WebAssembly module: it looks like data that starts with 09 08 07 00 (build it for wasm32-wasip1)",
    ],
  ];
  for (const [content, problem] of cases) {
    assert.deepEqual(await problemsOf(withLine("start: latest"), { "a.wasm": content }), [
      `nexus.yaml:5:5: functions[0].code: "a.wasm" ${problem}`,
    ]);
  }
});

test("loadProject() reads a module through a symbolic link, and refuses a circle of them and a folder", async () => {
  await using folder = await folderWith({ "real.bin": EMPTY_MODULE, "nexus.yaml": withLine("") });
  const source = { configFile: folder.at("nexus.yaml") };
  await symlink("real.bin", folder.at("a.wasm"));
  assert.equal((await loadProject(source)).functions.length, 1);
  await rm(folder.at("a.wasm"));
  await symlink("a.wasm", folder.at("a.wasm"));
  assert.deepEqual(await problemsIn(folder, source), [
    'nexus.yaml:5:5: functions[0].code: "a.wasm" cannot be read: its symbolic links go in a circle',
  ]);
  await rm(folder.at("a.wasm"));
  await folder.write("a.wasm/inside", "");
  assert.deepEqual(await problemsIn(folder, source), [
    'nexus.yaml:5:5: functions[0].code: "a.wasm" is a folder (name the .wasm file in it)',
  ]);
});

test("loadProject() refuses a file that is too large or a folder", async () => {
  await using folder = await folderWith({ "nexus.yaml": "", "dir/x": "" });
  await truncate(folder.at("nexus.yaml"), 16 * 1024 * 1024 + 1);
  assert.deepEqual(await problemsIn(folder, { configFile: folder.at("nexus.yaml") }), [
    "nexus.yaml: the file is larger than 16 MiB",
  ]);
  assert.deepEqual(await problemsIn(folder, { configFile: folder.at("dir") }), [
    "dir: this is a folder, not a file",
  ]);
});

test(
  "loadProject() refuses a file that may not be read",
  { skip: process.getuid?.() === 0 && "root may read everything" },
  async () => {
    await using folder = await folderWith({ "nexus.yaml": "version: v1\n" });
    await chmod(folder.at("nexus.yaml"), 0);
    assert.deepEqual(await problemsIn(folder, { configFile: folder.at("nexus.yaml") }), [
      "nexus.yaml: the file cannot be read: this user may not read it",
    ]);
  },
);

test("loadProject() says CONFIG_NOT_FOUND of what is named and not there", async () => {
  await using folder = await folderWith();
  const source = { configFile: folder.at("nexus.yaml"), functionsDir: folder.at("functions") };
  await assert.rejects(loadProject(source), {
    code: "CONFIG_NOT_FOUND",
    message: `Cannot load configuration: the file "${source.configFile}" does not exist, and the folder "${source.functionsDir}" does not exist`,
    details: {
      files: [
        { path: source.configFile, stamp: "missing" },
        { path: source.functionsDir, stamp: "missing" },
      ],
    },
  });
  await assert.rejects(loadProject({}), { code: "CONFIG_NOT_FOUND" });
});

test("loadProject() serves every module of the functions directory, with the settings beside it", async () => {
  await using folder = await folderWith({
    "functions/hello.wasm": EMPTY_MODULE,
    "functions/orders.wasm": taggedModule("orders"),
    "functions/orders.yaml": "on: { event: order.* }\ntimeout: 9s\n",
    "functions/plain.wasm": EMPTY_MODULE,
    "functions/plain.yaml": "# nothing\n",
    "functions/.hidden.wasm": "",
    "functions/README.txt": "",
    "functions/lonely.yaml": "timeout: 1s",
    "functions/hello.yml": "",
    "nexus.yaml": "version: v1\ndefaults: { concurrency: 3 }\n",
  });
  const functionsDir = folder.at("functions");
  const { functions, warnings } = await loadProject({
    functionsDir,
    configFile: folder.at("nexus.yaml"),
  });
  assert.deepEqual(
    functions.map(({ name }) => name),
    ["hello", "orders", "plain"],
  );
  const [hello, orders, plain] = functions;
  assert.deepEqual(hello?.triggers, [
    { kind: "event", pattern: "hello" },
    { kind: "http", method: "POST", path: "/hello", respond: true },
  ]);
  assert.equal(hello?.concurrency, 3);
  assert.equal(hello?.code, `${functionsDir}/hello.wasm`);
  assert.deepEqual(orders?.triggers, [{ kind: "event", pattern: "order.*" }]);
  assert.equal(orders?.limits.timeoutMs, 9000);
  assert.equal(plain?.triggers.length, 2);
  assert.deepEqual(warnings, [
    `${functionsDir}/hello.yml: is not read (name it hello.yaml)`,
    `${functionsDir}/lonely.yaml: is not read: there is no lonely.wasm beside it`,
  ]);
});

test("loadProject() tells the problems of a functions directory by file", async () => {
  await using folder = await folderWith({
    "f/Bad_Name.wasm": EMPTY_MODULE,
    "f/health.wasm": EMPTY_MODULE,
    "f/a.wasm": EMPTY_MODULE,
    "f/a.yaml": "timeout: 5 parsecs\nname: b\n",
    "f/text.wasm": "text",
    "f/broken.wasm": EMPTY_MODULE,
    "f/broken.yaml": "on: [",
    "nexus.yaml": `version: v1\nfunctions:\n  - { name: a, ${ON}, code: f/a.wasm }\n`,
  });
  const source = { functionsDir: folder.at("f"), configFile: folder.at("nexus.yaml") };
  assert.deepEqual(await problemsIn(folder, source), [
    'f/Bad_Name.wasm: "Bad_Name" is not a function name: lower-case letters, digits and dashes inside, at most 63 (try "bad-name")',
    'f/a.yaml:1:1: timeout: "5 parsecs" is not a duration (try "5s")',
    "f/a.yaml:2:1: name: unknown setting (known here: on, runtime, timeout, memory, env, concurrency, order_by, retry, output, start, limits, scratch, record, redact, kv, fetch, secrets, mounts)",
    "f/broken.yaml:1:6: this is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    'f/health.wasm: its path "/health" belongs to the server\'s own API: "/health" (write "on:" in health.yaml, or rename it)',
    'f/a.wasm: "a" is the name of another function: nexus.yaml:3:7: functions[0].name',
    "f/text.wasm: is not a WebAssembly module: it looks like a text file (build it for wasm32-wasip1)",
  ]);
});

test("loadProject() warns where there is no function, and takes it", async () => {
  const { functions, warnings } = await loaded("version: v1\n");
  assert.deepEqual(functions, []);
  assert.match(warnings[0]!, /there is no function: events are kept, and nothing runs$/);
});

test("loadProject() keeps the identity of versions that did not change", async () => {
  await using folder = await folderWith({
    "a.wasm": EMPTY_MODULE,
    "b.wasm": EMPTY_MODULE,
    "nexus.yaml": `version: v1\nfunctions:\n  - { name: a, ${ON}, code: a.wasm }\n  - { name: b, ${ON}, code: b.wasm }\n`,
  });
  const configFile = folder.at("nexus.yaml");
  const previous = await loadProject({ configFile, now: () => 1 });
  await folder.write("b.wasm", taggedModule("new"));
  const next = await loadProject({ configFile, previous, now: () => 2 });
  assert.equal(next.functions[0], previous.functions[0]);
  assert.notEqual(next.functions[1]?.version, previous.functions[1]?.version);
  assert.equal(next.functions[1]?.deployedAt, 2);
  // The way back gives the old version's name again: it is made of the content.
  await folder.write("b.wasm", EMPTY_MODULE);
  const back = await loadProject({ configFile, previous: next, now: () => 3 });
  assert.equal(back.functions[1]?.version, previous.functions[1]?.version);
});

test("loadProject() loads 10,000 functions in a few seconds", async () => {
  const entries = Array.from(
    { length: 10_000 },
    (_, n) =>
      `  - name: f${n}\n    on:\n      - event: com.example.t${n}\n      - http: { path: /f${n} }\n    code: a.wasm\n    timeout: 5s\n`,
  );
  const started = performance.now();
  const { functions } = await loaded(`version: v1\nfunctions:\n${entries.join("")}`);
  const seconds = (performance.now() - started) / 1000;
  assert.equal(functions.length, 10_000);
  assert.ok(seconds < 15, `took ${seconds.toFixed(1)} s`);
});

test("loadProject() reads the source map beside a module that names one, and no other", async () => {
  const name = new TextEncoder().encode("sourceMappingURL");
  const url = new TextEncoder().encode("./anything.map");
  const section = [0, name.length + url.length + 2, name.length, ...name, url.length, ...url];
  const naming = new Uint8Array([...EMPTY_MODULE, ...section]);
  const one = (name: string) => `  - { name: ${name}, on: { event: a }, code: ${name}.wasm }\n`;
  await using folder = await folderWith({
    "with.wasm": naming,
    "with.wasm.map": "{}",
    "without.wasm": EMPTY_MODULE,
    "without.wasm.map": "{}",
    "missing.wasm": new Uint8Array([...naming, ...taggedModule("other").subarray(8)]),
    "nexus.yaml": `version: v1\nfunctions:\n${one("with")}${one("without")}${one("missing")}`,
  });
  const project = await loadProject({ configFile: folder.at("nexus.yaml") });
  const sha256 = project.functions.find(({ name }) => name === "with")!.moduleSha256;
  assert.deepEqual([...project.sourceMaps], [[sha256, Buffer.from("{}")]]);
  const watched = project.files.map(({ path }) => path);
  assert.ok(watched.includes(folder.at("with.wasm.map")));
  assert.ok(watched.includes(folder.at("missing.wasm.map")), "it may come yet");
});

test("loadProject() gives a version the same name with auth: none as without it", async () => {
  const versions: string[] = [];
  for (const auth of ["", ", auth: none", ", auth: required"]) {
    await using folder = await folderWith({
      "nexus.yaml": `version: v1\nfunctions:\n  - { name: a, code: a.wasm, on: { http: { path: /a${auth} } } }\n`,
      "a.wasm": EMPTY_MODULE,
    });
    const { functions } = await loadProject({ configFile: folder.at("nexus.yaml") });
    versions.push(functions[0]!.version);
  }
  const [plain, none, required] = versions;
  assert.equal(none, plain);
  assert.notEqual(required, plain);
});
