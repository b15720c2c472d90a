// The example of the replay lab, with the commands of its README: real processes against a real server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ReplayWithReport } from "@nexus-functions/client/api.gen";
import { testServer, type Records } from "@nexus-functions/server/testing/server";
import { nexus, type Ended } from "../packages/cli/src/testing/nexus.ts";

const ROOT = join(import.meta.dirname, "..");
const README = readFileSync(join(import.meta.dirname, "replay-lab/README.md"), "utf8");
const CHECKOUTS = 60;

/** The words behind `npm run nexus --` in a command of the README that has this word in it. */
function command(word: string): readonly string[] {
  const line = README.split("\n").find(
    (text) => text.startsWith("npm run nexus -- ") && text.includes(word),
  );
  assert.ok(line !== undefined, `README.md has a command with ${word}`);
  return line.split(" ").slice(4);
}

test(
  "replay-lab catches what its second version does wrong before that is deployed",
  { timeout: 120_000 },
  async () => {
    await using server = await testServer("", {
      configFile: join(import.meta.dirname, "replay-lab/nexus.yaml"),
    });
    const run = (args: readonly string[]): Promise<Ended> =>
      nexus(args, { cwd: ROOT, env: { NEXUS_URL: server.url } });
    assert.equal((await run(command("publish"))).code, 0);
    await server.until<Records>(
      "/invocations?limit=100",
      ({ invocations }) => invocations.length === CHECKOUTS,
    );

    const { code, stdout, stderr } = await run(command("quote-v2.wasm"));
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^✗ 58 of 60 runs differ: 58 changed, 2 same\n/);
    const [wanted, unwanted, ...others] = stdout.split("● ").slice(1);
    assert.deepEqual(others, []);
    assert.match(
      wanted!,
      /^55 runs changed quote-cart .*\n {2}output {5}\+ \$\.points\n {2}effect/,
    );
    assert.match(unwanted!, /^3 runs changed/);
    for (const line of ["~ $.shipping_cents", "~ $.total_cents"]) {
      assert.ok(unwanted!.includes(`\n  output     ${line}\n`), line);
    }
    for (const line of README.split("\n").filter((text) => /^[-+] {2}"/.test(text))) {
      assert.ok(unwanted!.includes(line.slice(1).trim()), line);
    }

    const mended = await run([
      ...command("quote-v2-mended.wasm"),
      "--json",
      "--fail-on",
      "failing",
    ]);
    assert.equal(mended.code, 0, mended.stderr);
    const { counts, report } = JSON.parse(mended.stdout) as ReplayWithReport;
    assert.deepEqual([counts.changed, counts.same, counts.newly_failing], [58, 2, 0]);
    assert.equal(report.groups.length, 1);
    assert.deepEqual(
      report.groups[0]!.changes.map(({ change, what }) => [change, what]),
      [
        ["added", "$.points"],
        ["added", "emit com.example.cart.quoted $.data.points"],
      ],
    );

    const dir = await mkdtemp(join(tmpdir(), "nexus-replay-lab-"));
    const page = join(dir, "report.html");
    await run([...command("quote-v2.wasm"), "--report", page]);
    assert.match(await readFile(page, "utf8"), /shipping_cents/);
    await rm(dir, { recursive: true });

    const { invocations } = await server.get<Records>("/invocations?limit=100");
    assert.equal(invocations.length, CHECKOUTS, "no replay is recorded");
    const { events } = await server.get<{ events: readonly unknown[] }>(
      "/events?type=com.example.cart.quoted&limit=100",
    );
    assert.equal(events.length, CHECKOUTS - 2, "and none emits");
  },
);
