import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig, type ConfigOverrides, type Environment } from "../config.ts";
import type { NatsConfig } from "../core/nats.ts";
import { natsOptions } from "./options.ts";

const WRITTEN: NatsConfig = {
  servers: ["nats://cluster"],
  auth: { kind: "nkey", file: "/k" },
  tls: { caFile: "/ca" },
  prefix: "written",
  replicas: 3,
  ackWaitMs: 5000,
};

function options(env: Environment, written?: NatsConfig, overrides: ConfigOverrides = {}) {
  return natsOptions(
    readConfig(env, overrides, () => false),
    written,
  );
}

test("natsOptions() is undefined where nobody names servers", () => {
  assert.equal(options({}), undefined);
  assert.equal(options({ NATS_URL: "" }, { prefix: "p", replicas: 3 }), undefined);
});

test("natsOptions() fills in the defaults", () => {
  const expected = { auth: { kind: "none" }, prefix: "nexus", ackWaitMs: 30_000 };
  const servers = ["nats://a:4222", "tls://b"];
  assert.deepEqual(options({ NATS_URL: "nats://a:4222, tls://b" }), { ...expected, servers });
  assert.deepEqual(options({}, { servers }), { ...expected, servers });
});

test("natsOptions() takes what nexus.yaml says, and the environment before it", () => {
  assert.deepEqual(options({}, WRITTEN), WRITTEN);
  assert.deepEqual(options({ NATS_URL: "a", NEXUS_NATS_PREFIX: "other" }, WRITTEN), {
    ...WRITTEN,
    servers: ["a"],
    prefix: "other",
  });
});

test("natsOptions() asks nothing of a server of our own that the cluster's needs", () => {
  const own = { natsUrl: "nats://127.0.0.1:1", ownNats: true };
  assert.deepEqual(options({ NATS_URL: "nats://cluster" }, WRITTEN, own), {
    servers: ["nats://127.0.0.1:1"],
    auth: { kind: "none" },
    prefix: "written",
    ackWaitMs: 5000,
  });
});

test("readConfig() refuses what is no address or prefix of NATS, without showing a password", () => {
  const refused = (env: Environment, message: string): void => {
    assert.throws(() => options(env), { code: "CONFIG_INVALID", message });
  };
  refused(
    { NATS_URL: "nats://a,http://me:secret@b" },
    'Cannot read environment: NATS_URL="http://…@b" is not the address of a NATS server (try "nats://host:4222")',
  );
  refused(
    { NATS_URL: "nats://a," },
    'Cannot read environment: NATS_URL="" is not the address of a NATS server (try "nats://host:4222")',
  );
  refused(
    { NEXUS_NATS_PREFIX: "a.b" },
    'Cannot read environment: NEXUS_NATS_PREFIX="a.b" is not a prefix: lower-case letters, digits, dashes and underscores inside, at most 32',
  );
});
