import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { loadProject } from "./project.ts";
import { folderWith } from "./testing/folder.ts";

/** What a project says of NATS, with "…" for its folder. */
async function natsOf(lines: string): Promise<unknown> {
  await using folder = await folderWith({ "nexus.yaml": `version: v1\n${lines}` });
  const { nats } = await loadProject({ configFile: folder.at("nexus.yaml") });
  return JSON.parse(JSON.stringify(nats ?? null).replaceAll(folder.path, "…"));
}

async function problemsOf(lines: string): Promise<readonly string[]> {
  await using folder = await folderWith({ "nexus.yaml": `version: v1\n${lines}` });
  try {
    await loadProject({ configFile: folder.at("nexus.yaml") });
    return [];
  } catch (error) {
    assert.ok(error instanceof NexusError, String(error));
    return error.message
      .split("\n  ")
      .slice(1)
      .map((line) => line.replace(/^.*?nexus\.yaml:/, ""));
  }
}

test("loadProject() reads what the file says of NATS, with paths relative to the file", async () => {
  assert.equal(await natsOf(""), null);
  assert.deepEqual(await natsOf("nats: {}"), {});
  assert.deepEqual(
    await natsOf(`
nats:
  servers: [nats://a:4222, tls://b]
  credentials: ./nexus.creds
  tls: { ca: tls/ca.pem, cert: /c.pem, key: /k.pem }
  prefix: team-1
  replicas: 3
  ack_wait: 1m
`),
    {
      servers: ["nats://a:4222", "tls://b"],
      auth: { kind: "credentials", file: "…/nexus.creds" },
      tls: { caFile: "…/tls/ca.pem", certFile: "/c.pem", keyFile: "/k.pem" },
      prefix: "team-1",
      replicas: 3,
      ackWaitMs: 60_000,
    },
  );
});

test("loadProject() reads each way to say who one is", async () => {
  for (const [yaml, auth] of [
    ["nkey: k", { kind: "nkey", file: "…/k" }],
    ["user: me, password_file: p", { kind: "password", user: "me", file: "…/p" }],
    ["token_file: t", { kind: "token", file: "…/t" }],
  ] as const) {
    assert.deepEqual(await natsOf(`nats: { ${yaml} }`), { auth });
  }
});

test("loadProject() names what is wrong with NATS, and where", async () => {
  for (const [yaml, ...problems] of [
    ["nats: { server: a }", '2:9: nats.server: unknown setting (did you mean "servers"?)'],
    ["nats: on", '2:1: nats: "on" is not a mapping (try { servers: ["nats://localhost:4222"] })'],
    ["nats: { servers: [] }", "2:9: nats.servers: names no server (try - nats://localhost:4222)"],
    [
      'nats: { servers: ["http://me:secret@b"] }',
      '2:19: nats.servers[0]: "http://…@b" is not the address of a NATS server (try "nats://host:4222")',
    ],
    [
      "nats: { prefix: A.b }",
      '2:9: nats.prefix: "A.b" is not a prefix: lower-case letters, digits, dashes and underscores inside, at most 32',
    ],
    ["nats: { replicas: 9 }", "2:9: nats.replicas: 9 is not a whole number from 1 to 5 (try 1)"],
    ["nats: { ack_wait: 1ms }", '2:9: nats.ack_wait: "1ms" is not between 1s and 15m'],
    [
      "nats: { nkey: a, token_file: b }",
      "2:18: nats.token_file: is one identity too many beside nkey (choose one)",
    ],
    ["nats: { user: a }", "2:1: nats.password_file: is required beside user"],
    ["nats: { password_file: a }", "2:1: nats.user: is required beside password_file"],
    ["nats: { tls: { cert: a } }", "2:9: nats.tls.key: is required beside cert"],
  ] as const) {
    assert.deepEqual(await problemsOf(yaml), problems, yaml);
  }
});
