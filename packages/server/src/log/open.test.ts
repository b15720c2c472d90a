import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openLog } from "./open.ts";

test("openLog() opens the driver that is asked for", async () => {
  const dir = await mkdtemp(join(tmpdir(), "nexus-log-"));
  {
    await using log = await openLog({ driver: "embedded", dir: join(dir, "new", "deep") });
    const { driver, connected, tail } = await log.status();
    assert.deepEqual({ driver, connected, tail }, { driver: "embedded", connected: true, tail: 0 });
  }
  await rm(dir, { recursive: true });
});
