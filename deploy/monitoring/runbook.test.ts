// docs/RUNBOOK.md: a section for each alert, and every command that can run here is run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { startNats, type TestNats } from "@nexus-functions/server/testing/nats";
import { probes } from "@nexus-functions/server/testing/server";
import { until } from "@nexus-functions/server/testing/until";
import { guardedServer, type GuardedServer } from "../testing/guarded-server.ts";
import { inRepository } from "../testing/manifest.ts";
import { readRules } from "../testing/rules.ts";
import { needPackages } from "../testing/tools.ts";

const PAGE = await readFile(inRepository("docs/RUNBOOK.md"), "utf8");
const [intro, ...sections] = PAGE.split(/^(?=## )/m);

const FUNCTIONS = probes(
  {
    name: "charge",
    on: "{ event: order.* }",
    yaml: 'env: { FAIL_UNTIL: "9" }\nretry: { attempts: 1 }',
  },
  { name: "ticker", on: '{ cron: "* * * * * *" }' },
);

const opened = new AsyncDisposableStack();
let nats: TestNats;
let server: GuardedServer;
let events = 0;

before(async () => {
  await needPackages("curl");
  nats = opened.use(await startNats({ monitoring: true }));
  server = opened.use(await guardedServer(FUNCTIONS, { natsUrl: nats.url }));
  await writeFile(join(server.dir, "nexus"), NEXUS);
  await chmod(join(server.dir, "nexus"), 0o755);
  await until(
    async () =>
      (await server.get<{ invocations: object[] }>("/invocations?function=ticker")).invocations
        .length > 0,
  );
});
after(() => opened.disposeAsync());

/** The command of this checkout, on the Node that runs the tests. */
const NEXUS = `#!/bin/sh
exec "${process.execPath}" "${inRepository("packages/cli/bin/nexus.js")}" "$@"
`;

test("RUNBOOK.md has a section for each alert, in the order of the rules, and no other", async () => {
  const alerts = new Set((await readRules()).map(({ alert }) => alert));
  assert.deepEqual(sections.map(titleOf), [...alerts]);
});

test("RUNBOOK.md says of each alert what it means, where to look and what to do", () => {
  for (const section of sections) {
    const parts = [...section.matchAll(/^\*\*(.+?)\*\*/gm)].map(([, part]) => part);
    assert.deepEqual(parts, ["Meaning.", "Look here.", "Do this."], titleOf(section));
  }
});

test("RUNBOOK.md's links lead to its own sections", () => {
  const anchors = sections.map((section) => titleOf(section).toLowerCase());
  for (const [, anchor] of PAGE.matchAll(/\]\(#(.+?)\)/g))
    assert.ok(anchors.includes(anchor!), anchor!);
});

for (const part of [intro!, ...sections]) {
  for (const [index, script] of scriptsOf(part).entries()) {
    test(`RUNBOOK.md: ${titleOf(part)}: commands ${index + 1} do something`, async () => {
      const { code, output } = await run(script);
      assert.equal(code, 0, `${script}\n${output}`);
      assert.notEqual(output.trim(), "", script);
    });
  }
}

function titleOf(section: string): string {
  return /^##? (.+)$/m.exec(section)![1]!;
}

function scriptsOf(section: string): readonly string[] {
  return [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, script]) => script!);
}

/** As an operator would, in the project's folder, with a dead letter to look at. */
async function run(script: string): Promise<{ readonly code: number; readonly output: string }> {
  const [dead] = await deadLetters();
  const env = {
    PATH: `${server.dir}${delimiter}${process.env["PATH"]}`,
    HOME: server.dir,
    NEXUS_URL: server.url,
    NEXUS_API_TOKEN: server.adminToken,
    NEXUS_CONFIG: server.configFile,
    NEXUS_DATA_DIR: join(server.dir, "data"),
    NATS_URL: nats.url,
    NATS_MONITOR: nats.monitoringUrl,
    DEAD: dead!.id,
    EVENT: dead!.event_id,
  };
  // A command that fails ends the block, in the middle of a pipe too. With a socket as its input, bash would
  // take itself for a login over the network and read the machine's settings.
  const shell = spawn("bash", ["-euo", "pipefail", "-c", script], {
    cwd: server.dir,
    env,
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number>((resolve) => shell.on("close", (code) => resolve(code ?? -1))),
    text(shell.stdout),
    text(shell.stderr),
  ]);
  return { code, output: stdout + stderr };
}

interface Letter {
  readonly id: string;
  readonly event_id: string;
}

/** There is always one: those that a block redrives are dead again, or another is made. */
async function deadLetters(): Promise<readonly Letter[]> {
  const list = async () =>
    (await server.get<{ readonly dead_letters: readonly Letter[] }>("/dead-letters")).dead_letters;
  const found = await list();
  if (found.length > 0) return found;
  await server.publish(`order.number-${(events += 1)}`);
  return until(list, (letters) => letters.length > 0);
}
