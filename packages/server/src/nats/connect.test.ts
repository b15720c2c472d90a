import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import {
  defaultNatsLimits,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from "@nats-io/jwt";
import { nkeys, type NatsConnection } from "@nats-io/transport-node";
import { NexusError, type ErrorCode } from "../core/errors.ts";
import { DEFAULT_NATS_OPTIONS, type NatsOptions } from "../core/nats.ts";
import { createLogger } from "../telemetry/logger.ts";
import { certificatesIn } from "../testing/certificates.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { startNats } from "../testing/nats.ts";
import { quietPorts } from "../testing/ports.ts";
import { connectNats } from "./connect.ts";
import { checkVersion } from "./nats-error.ts";
import { tcpProxy } from "../testing/tcp-proxy.ts";
import { until } from "../testing/until.ts";

const TIMEOUT = { timeout: 60_000 };

type Partly = Partial<NatsOptions> & Pick<NatsOptions, "servers">;

interface Logged {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger, and a way to wait for what it is told. */
function listener() {
  const lines: Logged[] = [];
  const waiting = new Set<() => void>();
  const logger = createLogger({
    level: "debug",
    format: "json",
    colour: false,
    now: () => new Date(0),
    write: (text) => {
      lines.push(JSON.parse(text) as Logged);
      for (const check of waiting) check();
    },
  });
  return {
    logger,
    lines,
    async says(message: string): Promise<Logged> {
      const { promise, resolve } = Promise.withResolvers<Logged>();
      const check = (): void => {
        const line = lines.find((line) => line.message === message);
        if (line !== undefined) resolve(line);
      };
      waiting.add(check);
      check();
      return promise.finally(() => waiting.delete(check));
    },
  };
}

async function opened(
  options: Partly,
  { logger, patienceMs = 0 } = { ...listener(), patienceMs: 0 },
): Promise<NatsConnection> {
  const connection = await connectNats(
    { ...DEFAULT_NATS_OPTIONS, ...options },
    { logger, name: "connect.test", patienceMs },
  );
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

async function works(options: Partly): Promise<void> {
  await using connection = await opened(options);
  await (await jetstreamManager(connection)).getAccountInfo();
}

async function refused(options: Partly, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(opened(options), (error: unknown) => {
    assert.ok(error instanceof NexusError, String(error));
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

test(
  "connectNats() connects with user and password, from the address or a file",
  TIMEOUT,
  async () => {
    const authorization = { user: "me", password: "p@ss word" };
    await using nats = await startNats({ extra: { authorization } });
    await using folder = await temporaryFolder();
    const file = join(folder.path, "password");
    await writeFile(file, "p@ss word\n");
    const address = `127.0.0.1:${nats.port}`;
    await works({ servers: [`nats://me:p%40ss%20word@${address}`] });
    await works({ servers: [nats.url], auth: { kind: "password", user: "me", file } });

    const refusal = new RegExp(
      `^Cannot connect to NATS at "${address}": it refuses the credentials \\('?Authorization Violation'?\\)$`,
    );
    await refused({ servers: [nats.url] }, "NATS_UNREACHABLE", refusal);
    await refused({ servers: [`nats://me:secret@${address}`] }, "NATS_UNREACHABLE", refusal);
    await writeFile(file, "another");
    const auth = { kind: "password", user: "me", file } as const;
    await refused({ servers: [nats.url], auth }, "NATS_UNREACHABLE", refusal);
  },
);

test("connectNats() connects with a token, from the address or a file", TIMEOUT, async () => {
  await using nats = await startNats({ extra: { authorization: { token: "s3cret" } } });
  await using folder = await temporaryFolder();
  const file = join(folder.path, "token");
  await writeFile(file, "s3cret\n");
  await works({ servers: [`nats://s3cret@127.0.0.1:${nats.port}`] });
  await works({ servers: [nats.url], auth: { kind: "token", file } });
});

test(
  "connectNats() connects with an nkey, and reads its file again when it connects again",
  TIMEOUT,
  async () => {
    const [first, second] = [nkeys.createUser(), nkeys.createUser()];
    await using folder = await temporaryFolder();
    const file = join(folder.path, "user.nk");
    const port = (await quietPorts(1))[0]!;
    const accepting = (user: typeof first) => ({
      port,
      extra: { authorization: { users: [{ nkey: user.getPublicKey() }] } },
    });
    await writeFile(file, Buffer.concat([first.getSeed(), Buffer.from("\n")]));
    const heard = listener();
    await using old = await startNats(accepting(first));
    const auth = { kind: "nkey", file } as const;
    await using connection = await opened(
      { servers: [old.url], auth },
      { ...heard, patienceMs: 0 },
    );

    await old.stop();
    await heard.says("NATS is lost, connecting again");
    await writeFile(file, second.getSeed());
    await using renewed = await startNats(accepting(second));
    await heard.says("NATS is back");
    await connection.rtt();
    assert.equal(renewed.url, old.url);

    // Not even one that has no key any more ends a connection for good.
    await writeFile(file, "nothing");
    await renewed.restart();
    await until(async () => {
      await connection.rtt().catch(() => undefined);
      return heard.lines.filter(({ message }) => message === "NATS is back").length === 2;
    });
  },
);

test("connectNats() connects with the credentials file of an account", TIMEOUT, async () => {
  const [operator, system, account, other] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createAccount(),
  ];
  const streams = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const limits = { ...defaultNatsLimits(), ...streams, conn: -1 };
  const resolved = async (name: string, key: typeof account, settings = {}) => [
    key.getPublicKey(),
    await encodeAccount(name, key, settings, { signer: operator }),
  ];
  await using nats = await startNats({
    extra: {
      operator: await encodeOperator("operator", operator),
      system_account: system.getPublicKey(),
      resolver: "MEMORY",
      resolver_preload: Object.fromEntries([
        await resolved("system", system),
        await resolved("nexus", account, { limits }),
      ]),
    },
  });
  await using folder = await temporaryFolder();
  const file = join(folder.path, "nexus.creds");
  const auth = { kind: "credentials", file } as const;
  const credentials = async (issuer: typeof account): Promise<Uint8Array> => {
    const user = nkeys.createUser();
    return fmtCreds(await encodeUser("nexus", user, issuer), user);
  };
  await writeFile(file, await credentials(account));
  await works({ servers: [nats.url], auth });

  await writeFile(file, await credentials(other));
  await refused({ servers: [nats.url], auth }, "NATS_UNREACHABLE", /it refuses the credentials/);
});

test(
  "connectNats() names a file that holds no credentials, and shows nothing of it",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "secret");
    await writeFile(file, "SUAGARBAGE");
    const servers = ["nats://127.0.0.1:1"];
    for (const [kind, what] of [
      ["credentials", "is not a credentials file"],
      ["nkey", "is not the seed of an nkey"],
    ] as const) {
      await refused(
        { servers, auth: { kind, file } },
        "CONFIG_INVALID",
        new RegExp(`secret" ${what}$`),
      );
      const missing = `${file}.none`;
      await refused(
        { servers, auth: { kind, file: missing } },
        "CONFIG_INVALID",
        /secret\.none" is not readable \(ENOENT\)$/,
      );
    }
    const mixed = ["nats://a:b@127.0.0.1:1", "nats://a:c@127.0.0.1:2"];
    await refused({ servers: mixed }, "CONFIG_INVALID", /its addresses hold different credentials/);
  },
);

test(
  "connectNats() connects over TLS, and to nothing else where TLS is asked for",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    const files = await certificatesIn(folder.path);
    const { ca: caFile, clientCert: certFile, clientKey: keyFile } = files;
    const tls = { cert_file: files.serverCert, key_file: files.serverKey };
    await using plain = await startNats();
    await using secure = await startNats({ extra: { tls } });
    await using mutual = await startNats({
      extra: { tls: { ...tls, ca_file: caFile, verify: true } },
    });

    await works({ servers: [secure.url], tls: { caFile } });
    await works({ servers: [`tls://localhost:${secure.port}`], tls: { caFile } });
    await works({ servers: [mutual.url], tls: { caFile, certFile, keyFile } });
    await refused({ servers: [secure.url] }, "NATS_UNREACHABLE", /certificate|self-signed|verify/i);
    await refused(
      { servers: [mutual.url], tls: { caFile } },
      "NATS_UNREACHABLE",
      /: timeout|certificate|ECONNRESET/i,
    );
    await refused({ servers: [plain.url], tls: {} }, "NATS_UNREACHABLE", /does not support 'tls'/);
    await refused(
      { servers: [secure.url], tls: { caFile: "/nowhere/ca.pem" } },
      "CONFIG_INVALID",
      /the file "\/nowhere\/ca\.pem" is not readable \(ENOENT\)$/,
    );
  },
);

test(
  "connectNats() says when nobody answers, and waits as long as it was told",
  TIMEOUT,
  async () => {
    const port = (await quietPorts(1))[0]!;
    const servers = [`nats://me:secret@127.0.0.1:${port}`, `127.0.0.1:${port}`];
    await refused(
      { servers },
      "NATS_UNREACHABLE",
      new RegExp(
        `^Cannot connect to NATS at "127.0.0.1:${port}, 127.0.0.1:${port}": connection refused$`,
      ),
    );
    const heard = listener();
    const connecting = opened({ servers }, { ...heard, patienceMs: 50_000 });
    const { level, error } = await heard.says("NATS is not there yet, trying again");
    assert.equal(level, "warn");
    assert.match(String(error), /connection refused$/);
    await using nats = await startNats({ port });
    await using connection = await connecting;
    assert.equal(connection.getServer(), `127.0.0.1:${nats.port}`);
    assert.doesNotMatch(JSON.stringify(heard.lines), /secret/);
  },
);

test("connectNats() ends when its signal aborts, whatever it waits for", TIMEOUT, async () => {
  await using nats = await startNats();
  await using proxy = await tcpProxy(nats.port);
  proxy.cut("silent");
  for (const url of [`nats://127.0.0.1:${proxy.port}`, "nats://127.0.0.1:1"]) {
    const options = { ...DEFAULT_NATS_OPTIONS, servers: [url] };
    const stop = new AbortController();
    const connecting = connectNats(options, { ...listener(), name: "test" }, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(connecting, /^Error: enough$/);
  }
  const heard = listener();
  const stop = new AbortController();
  const options = { ...DEFAULT_NATS_OPTIONS, servers: ["nats://127.0.0.1:1"] };
  const waiting = connectNats(options, { ...heard, name: "test" }, stop.signal);
  await heard.says("NATS is not there yet, trying again");
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /^Error: enough$/);
});

test("connectNats() refuses a NATS without JetStream", TIMEOUT, async () => {
  await using bare = await startNats({ jetStream: false });
  const address = `^Cannot use NATS at "127.0.0.1:${bare.port}": `;
  await refused(
    { servers: [bare.url] },
    "NATS_UNSUPPORTED",
    new RegExp(`${address}JetStream is not enabled \\(start nats-server with -js\\)$`),
  );
  const users = (permissions: object) => [{ user: "me", password: "me", permissions }];
  await using nats = await startNats({
    extra: {
      accounts: {
        WITHOUT: { users: [{ user: "without", password: "me" }] },
        WITH: { jetstream: true, users: users({ publish: ["other"] }) },
      },
    },
  });
  await refused(
    { servers: [`nats://without:me@127.0.0.1:${nats.port}`] },
    "NATS_UNSUPPORTED",
    /: JetStream is not enabled for this account$/,
  );
  await refused(
    { servers: [`nats://me:me@127.0.0.1:${nats.port}`] },
    "NATS_UNSUPPORTED",
    /: this user may not use JetStream \(Permissions Violation for Publish to "\$JS\.API\.INFO"\)$/,
  );
});

test(
  "connectNats() comes back after a kill and after a partition, and says so",
  TIMEOUT,
  async () => {
    await using nats = await startNats();
    await using proxy = await tcpProxy(nats.port);
    const heard = listener();
    await using connection = await opened(
      { servers: [`nats://127.0.0.1:${proxy.port}`] },
      { ...heard, patienceMs: 0 },
    );
    await nats.kill();
    const lost = await heard.says("NATS is lost, connecting again");
    assert.equal(lost["server"], `127.0.0.1:${proxy.port}`);
    await nats.restart();
    await heard.says("NATS is back");
    await connection.rtt();

    heard.lines.length = 0;
    proxy.cut("silent");
    await heard.says("NATS does not answer");
    await heard.says("NATS is lost, connecting again");
    proxy.heal();
    const back = await heard.says("NATS is back");
    assert.ok(Number(back["after_ms"]) >= 0);
    await connection.rtt();
  },
);

test("checkVersion() takes 2.9.0 and newer, whatever stands behind the numbers", () => {
  for (const version of [
    "2.9.0",
    "2.9.10",
    "2.10.27",
    "2.12.0-beta",
    "2.12.0-RC.1",
    "3.0.0",
    "v2.11.1",
  ]) {
    checkVersion(version, "host:4222");
  }
  for (const version of ["2.8.4", "1.99.99", "2.8.99-beta", "", "unknown", "2.9"]) {
    assert.throws(() => checkVersion(version, "host:4222"), {
      code: "NATS_UNSUPPORTED",
      message: `Cannot use NATS at "host:4222": its version is ${version}, and 2.9.0 or newer is needed`,
    });
  }
});
