import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testLog } from "../conformance.ts";
import { embeddedLog } from "./embedded.ts";

testLog("embedded", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  return {
    open: (now) => embeddedLog(now === undefined ? { dir } : { dir, now }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
});
