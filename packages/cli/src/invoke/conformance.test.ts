// WASI preview 1 as programs have it under nexus invoke: a real directory and this process's streams.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { GIVEN, PROGRAMS } from "@nexus-functions/server/testing/conformance";
import { FIXTURES, nexus, temporaryFolder } from "../testing/nexus.ts";

const TIMEOUT = { timeout: 60_000 };
const VARIABLES = Object.entries(GIVEN.env).flatMap(([name, value]) => [
  "--env",
  `${name}=${value}`,
]);

for (const { name, args, lines } of PROGRAMS) {
  test(`nexus invoke --dir gives ${name} the answers that it wants`, TIMEOUT, async () => {
    await using folder = await temporaryFolder();
    const { code, stdout, stderr } = await nexus(
      [
        "invoke",
        "--dir",
        `${folder.path}::/work`,
        ...VARIABLES,
        `${FIXTURES}conformance/build/${name}.wasm`,
        "--",
        "/work",
        ...args,
      ],
      { input: GIVEN.stdin },
    );
    assert.equal(stderr, "");
    assert.deepEqual(stdout.trimEnd().split("\n"), lines);
    assert.equal(code, 0);
    assert.deepEqual(await readdir(folder.path), []);
  });
}
