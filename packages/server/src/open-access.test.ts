import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { readConfig, type Environment } from "./config.ts";
import { folderWith, type Folder } from "./functions/testing/folder.ts";
import { startServer } from "./server.ts";

const TIMEOUT = { timeout: 60_000 };
const TOKEN = "0123456789abcdef";
const BEYOND = { NEXUS_HOST: "0.0.0.0" };

function folder(files: Readonly<Record<string, string>> = {}): Promise<Folder> {
  return folderWith({ "nexus.yaml": "version: v1\nfunctions: []\n", ...files });
}

/** A server with its data in the folder; `shown` are the tokens that it has shown. */
async function serve(folder: Folder, env: Environment) {
  const config = configOf(folder, env);
  const shown: string[] = [];
  const lines: string[] = [];
  const server = await startServer(config, {
    write: (line) => lines.push(line),
    colour: false,
    showToken: (token) => shown.push(token),
  });
  const host = config.host === "0.0.0.0" ? "127.0.0.1" : config.host;
  return {
    shown,
    lines,
    async status(token?: string): Promise<number> {
      const response = await fetch(`http://${host}:${server.port}/events`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
      await response.arrayBuffer();
      return response.status;
    },
    [Symbol.asyncDispose]: () => server.close(AbortSignal.abort()),
  };
}

function configOf(folder: Folder, env: Environment) {
  const base = { NEXUS_CONFIG: folder.at("nexus.yaml"), NEXUS_DATA_DIR: folder.at("data") };
  return readConfig(
    { ...base, NEXUS_PORT: "0", NEXUS_WORKERS: "1", NEXUS_LOG_LEVEL: "debug", ...env },
    {},
    () => false,
  );
}

test(
  "a server beyond loopback makes a token once, shows it, and keeps its hash",
  TIMEOUT,
  async () => {
    await using dir = await folder();
    let token: string;
    {
      await using first = await serve(dir, BEYOND);
      assert.equal(first.shown.length, 1);
      token = first.shown[0]!;
      assert.equal(await first.status(), 401);
      assert.equal(await first.status(token), 200);
      assert.ok(!first.lines.join("").includes(token), "the token in the log");
    }
    const kept = dir.at("data/api-token.sha256");
    assert.equal((await stat(kept)).mode & 0o777, 0o600);
    for (const name of await readdir(dir.at("data"), { recursive: true })) {
      const path = dir.at(`data/${name}`);
      if ((await stat(path)).isDirectory()) continue;
      assert.ok(!(await readFile(path, "latin1")).includes(token), name);
    }
    {
      await using second = await serve(dir, BEYOND);
      assert.deepEqual(second.shown, []);
      assert.equal(await second.status(), 401);
      assert.equal(await second.status(token), 200);
    }
    // One that is set holds alone.
    await using third = await serve(dir, { ...BEYOND, NEXUS_API_TOKEN: TOKEN });
    assert.deepEqual(third.shown, []);
    assert.equal(await third.status(token), 401);
    assert.equal(await third.status(TOKEN), 200);
  },
);

test("a kept hash that is damaged stops the start, and is not replaced", TIMEOUT, async () => {
  await using dir = await folder({ "data/api-token.sha256": "" });
  await assert.rejects(serve(dir, BEYOND), { code: "DATA_DIR_UNUSABLE", message: /remove it/ });
  assert.equal(await readFile(dir.at("data/api-token.sha256"), "utf8"), "");
});

test("startServer() refuses to make a token that it can show to nobody", TIMEOUT, async () => {
  await using dir = await folder();
  const silent = { write: () => undefined, colour: false };
  await assert.rejects(startServer(configOf(dir, BEYOND), silent), {
    code: "CONFIG_INVALID",
    message: /NEXUS_API_TOKEN/,
  });
  await assert.rejects(stat(dir.at("data/api-token.sha256")), { code: "ENOENT" });
});

test("on loopback no token is asked for unless one is set", TIMEOUT, async () => {
  for (const host of ["127.0.0.1", "127.0.0.2", "localhost"]) {
    await using dir = await folder();
    await using server = await serve(dir, { NEXUS_HOST: host });
    assert.deepEqual(server.shown, []);
    assert.equal(await server.status(), 200);
  }
  await using dir = await folder();
  await using server = await serve(dir, { NEXUS_API_TOKEN: `publish:${TOKEN}p, read:${TOKEN}r` });
  assert.deepEqual(
    [await server.status(), await server.status(`${TOKEN}p`), await server.status(`${TOKEN}r`)],
    [401, 403, 200],
  );
});

test(
  "a token file may end in a line break, and is refused where it is missing or empty",
  TIMEOUT,
  async () => {
    for (const content of [TOKEN, `${TOKEN}\n`, `\r\nread:${TOKEN}\r\n`]) {
      await using dir = await folder({ token: content });
      await using server = await serve(dir, { ...BEYOND, NEXUS_API_TOKEN_FILE: dir.at("token") });
      assert.deepEqual([await server.status(), await server.status(TOKEN)], [401, 200]);
      assert.deepEqual(server.shown, []);
    }
    await using dir = await folder({ empty: "\n", odd: "s3cret" });
    for (const [name, rule] of [
      ["missing", /ENOENT/],
      ["empty", /empty": it holds no token/],
      ["odd", /token 1 must have 16 to 1024 characters/],
    ] as const) {
      await assert.rejects(serve(dir, { NEXUS_API_TOKEN_FILE: dir.at(name) }), (error: Error) => {
        assert.equal((error as Error & { code?: string }).code, "CONFIG_INVALID");
        assert.match(error.message, rule);
        return !error.message.includes("s3cret");
      });
    }
  },
);

test("readConfig() refuses a token that breaks the rules, and two sources of tokens", () => {
  const read = (env: Environment) => () => readConfig(env, {}, () => false);
  assert.throws(read({ NEXUS_API_TOKEN: "s3cret" }), (error: Error) => {
    assert.match(error.message, /^Cannot read environment: NEXUS_API_TOKEN is not valid: token 1 /);
    return !error.message.includes("s3cret");
  });
  assert.throws(read({ NEXUS_API_TOKEN: TOKEN, NEXUS_API_TOKEN_FILE: "f" }), {
    code: "CONFIG_INVALID",
    message: /both set/,
  });
  const config = readConfig({ NEXUS_API_TOKEN: TOKEN }, {}, () => false);
  assert.ok(!JSON.stringify(config).includes(TOKEN));
});
