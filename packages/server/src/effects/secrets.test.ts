import assert from "node:assert/strict";
import { test } from "node:test";
import { folderWith } from "../functions/testing/folder.ts";
import { readSecrets } from "./secrets.ts";

test("readSecrets() takes files by their names, and what the environment says before them", async () => {
  await using folder = await folderWith({
    TOKEN: "from a file\n",
    BOTH: "from a file",
    TWO_LINES: "a\n\n",
    "..data": "not a secret",
    "a.b": "not a secret",
  });
  assert.deepEqual(await readSecrets({ values: { BOTH: "from outside" }, folder: folder.path }), {
    TOKEN: "from a file",
    BOTH: "from outside",
    TWO_LINES: "a\n",
  });
  assert.deepEqual(await readSecrets({ values: {} }), {});
});

test("readSecrets() refuses what it cannot read or hold, and tells no value", async () => {
  await using folder = await folderWith({ ZERO: "top\0secret" });
  const inFolder = readSecrets({ values: {}, folder: folder.path });
  await assert.rejects(inFolder, (error: Error) => !error.message.includes("top"));
  await assert.rejects(inFolder, { code: "CONFIG_INVALID", message: /ZERO": it has a zero byte$/ });
  await assert.rejects(readSecrets({ values: { LONG: "x".repeat(65_537) } }), {
    message: /"LONG": it has more than 65536 bytes$/,
  });
  await assert.rejects(readSecrets({ values: {}, folder: folder.at("none") }), {
    code: "CONFIG_INVALID",
    message: /^Cannot read secrets in/,
  });
});
