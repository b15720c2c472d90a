// Every command that asks a server, against a real one: plain, as JSON, and what it says when it fails.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type {
  Accepted,
  DeadLetter,
  Function as FunctionInfo,
  Invocation,
} from "@nexus-functions/client/api.gen";
import { nexus, startNexus, type Ended } from "../testing/nexus.ts";
import { HELLO } from "../testing/project.ts";
import { devServer, type TestServer } from "../testing/server.ts";

const TIMEOUT = { timeout: 60_000 };
const FAILING = `  - name: failing
    on: { event: bad.* }
    code: "{probe}"
    env: { FAIL_IF: please }
    retry: { attempts: 1 }
  - name: slow
    on: { event: slow }
    code: "{probe}"
    env: { SPIN_MS: "2000" }
  - name: trapping
    on: { event: trap.* }
    code: "{order}"
    retry: { attempts: 1 }
`;

let server: TestServer;
before(async () => (server = await devServer(HELLO + FAILING)), TIMEOUT);
after(() => server[Symbol.asyncDispose]());

function run(args: readonly string[], input?: string): Promise<Ended> {
  const env = { NEXUS_URL: server.url };
  return nexus(args, { env, cwd: server.dir, ...(input === undefined ? {} : { input }) });
}

async function json<T>(args: readonly string[], input?: string): Promise<T> {
  const { code, stdout, stderr } = await run([...args, "--json"], input);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout) as T;
}

/** Publishes, waits for the functions, and gives the answer. */
async function publish(type: string, data: string): Promise<Accepted> {
  const { stdout } = await run(["publish", type, "--data", data, "--wait", "20s", "--json"]);
  return JSON.parse(stdout) as Accepted;
}

test("nexus publish says what became of an event, and with --wait what ran", TIMEOUT, async () => {
  const once = ["publish", "com.example.a", "--data", '{"n":1}', "--id", "once"];
  const first = await run(once);
  assert.deepEqual([first.code, first.stderr], [0, ""]);
  assert.match(first.stdout, /^✓ accepted  once  position \d+\n$/);
  const second = await run(once);
  assert.equal(second.code, 0);
  assert.match(second.stdout, /^! duplicate  once  position \d+\n$/);
  assert.match(second.stderr, /already: nothing ran/);

  const waited = await run(["publish", "com.example.a", "--wait", "20s"]);
  assert.equal(waited.code, 0);
  assert.match(
    waited.stdout,
    /✓ hello +[\d.]+ ms  \{"greeting":"Hello"\}\n +│ attempt 1, replay false\n$/,
  );
  const nobody = await run(["publish", "nobody.there", "--wait", "20s"]);
  assert.match(nobody.stderr, /No function takes events of this type/);
});

test(
  "nexus publish exits with 1 when a function fails or is not done in time",
  TIMEOUT,
  async () => {
    const failed = await run(["publish", "bad.one", "--data", '"please"', "--wait", "20s"]);
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /✗ failing .*failed.*dead letter\n/);
    const slow = await run(["publish", "slow", "--wait", "50ms"]);
    assert.equal(slow.code, 1);
    assert.match(slow.stderr, /Not finished within 50 ms: see `nexus events get /);
  },
);

test("nexus publish takes data as text, from a file and from its input", TIMEOUT, async () => {
  await writeFile(join(server.dir, "data.bin"), new Uint8Array([0, 255]));
  const cases = [
    [
      ["--data", "@data.bin", "--content-type", "image/png"],
      "",
      { data_base64: "AP8=", datacontenttype: "image/png" },
    ],
    [
      ["--data", "-"],
      '{"piped":true}',
      { data: { piped: true }, datacontenttype: "application/json" },
    ],
    [
      ["--data", "hi", "--content-type", "text/plain"],
      "",
      { data: "hi", datacontenttype: "text/plain" },
    ],
  ] as const;
  for (const [args, input, wanted] of cases) {
    const { event_id: id } = await json<Accepted>(["publish", "other", ...args], input);
    assert.partialDeepStrictEqual(await json<object>(["events", "get", id]), { id, ...wanted });
  }
  const bad = await run(["publish", "other", "--data", "{oops"]);
  assert.equal(bad.code, 2);
  assert.match(
    bad.stderr,
    /^nexus: cannot read the data: it is not JSON: .*\n  For other data say what it is/,
  );
});

test(
  "nexus publish --event takes one, an array, or one a line, and says where it stopped",
  TIMEOUT,
  async () => {
    const one = await run(["publish", "--event", "-"], '{\n  "type": "pretty",\n  "id": "p1"\n}\n');
    assert.match(one.stdout, /^✓ accepted  p1 /);
    const many = await run(["publish", "--event", "-"], '[{"type":"x"},{"type":"x"}]');
    assert.match(many.stdout, /^✓ 2 events accepted · .*\/s\n$/);
    const lines = Array.from({ length: 250 }, (_, index) => `{"type":"line","id":"${index}"}`);
    const answers = await run(["publish", "--event", "-", "--json"], lines.join("\n"));
    assert.equal(answers.stdout.trimEnd().split("\n").length, 250);
    for (const line of answers.stdout.trimEnd().split("\n"))
      assert.equal((JSON.parse(line) as Accepted).status, "accepted");

    const refused = await run(["publish", "--event", "-"], '{"type":"ok"}\n{"type":""}\n');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /"type" must be a non-empty string \(in line 1 to line 2; nothing was published\)\n/,
    );
    const broken = await run(["publish", "--event", "-"], '{"type":"ok"}\nnot json\n');
    assert.match(broken.stderr, /^nexus: cannot read the input, line 2: it is not JSON/);
    const missing = await run(["publish", "--event", "nope.json"]);
    assert.equal(missing.stderr, 'nexus: cannot read "nope.json": it does not exist\n');
  },
);

test("nexus events lists, filters and shows", TIMEOUT, async () => {
  await publish("com.example.listed", '{"n":1}');
  const list = await run(["events", "--type", "com.example.*", "--since", "10m", "--limit", "1"]);
  assert.deepEqual([list.code, list.stderr], [0, ""]);
  assert.match(
    list.stdout,
    /^ID +TYPE +SOURCE +TIME\n[\w-]+ +com\.example\.listed +\/nexus\/cli +\S.*\n$/,
  );
  const { events } = await json<{ events: { id: string; type: string }[] }>([
    "events",
    "list",
    "--all",
  ]);
  assert.ok(events.length > 250);
  const { stdout } = await run(["events", events[0]!.id]);
  assert.match(
    stdout,
    /^com\.example\.listed\n  time .*\nData\n  \{\n    "n": 1\n  \}\n\nInvocations\n.*\n[\w-]+ +hello +succeeded /s,
  );
  const missing = await run(["events", "get", "nope"]);
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /^nexus: cannot find event "nope".*\n  `nexus events` lists what is kept\.\n$/,
  );
});

test(
  "nexus invocations lists and shows, and nexus logs prints what was logged",
  TIMEOUT,
  async () => {
    const accepted = await publish("com.example.shown", "1");
    const { id } = accepted.invocations![0]!;
    const list = await run([
      "invocations",
      "--function",
      "hello",
      "--status",
      "succeeded",
      "-n",
      "1",
    ]);
    assert.match(
      list.stdout,
      new RegExp(`^ID .*\n${id} +hello +succeeded +1 +event +com\\.example\\.shown `),
    );
    const shown = await run(["invocations", id]);
    assert.match(
      shown.stdout,
      /^✓ hello succeeded in .*\n  invocation .*\n\nOutput \(20 B\)\n  \{\n    "greeting": "Hello"\n  \}\n\nLogs\n  \S+ attempt 1, replay false\n$/s,
    );
    const record = await json<Invocation>(["invocations", id]);
    assert.equal(record.id, id);
    const { invocations } = await json<{ invocations: Invocation[] }>([
      "invocations",
      "--limit",
      "2",
    ]);
    assert.equal(invocations.length, 2);

    const logs = await run(["logs", "hello", "-n", "1"]);
    assert.match(logs.stdout, /^\d\d:\d\d:\d\d\.\d{3} hello attempt 1, replay false\n$/);
    const line = await json<object>(["logs", "hello", "-n", "1"]);
    assert.partialDeepStrictEqual(line, {
      function: "hello",
      invocation_id: id,
      text: "attempt 1, replay false",
    });
    const wrong = await run(["invocations", "--status", "great"]);
    assert.equal(wrong.code, 2);
  },
);

test("nexus invocations shows where a module trapped", TIMEOUT, async () => {
  const accepted = await publish("trap.now", "1");
  const { id, error } = accepted.invocations![0]!;
  const { frames, reason } = error!.trap!;
  assert.equal(reason, "divide by zero");
  assert.deepEqual(frames[0], {
    function: "assembly/order/share",
    index: 0,
    offset: 90,
    file: "assembly/order.ts",
    line: 5,
    column: 10,
  });
  const shown = await run(["invocations", id]);
  assert.match(
    shown.stdout,
    /\n\nTrap\n {2}divide by zero\n {2}at assembly\/order\/share +assembly\/order\.ts:5:10\n {2}at assembly\/order\/check +assembly\/order\.ts:9:10\n/,
  );
});

test("nexus logs -f goes on until Ctrl-C, and ends well then", TIMEOUT, async () => {
  await using logs = startNexus(["logs", "hello", "-f", "-n", "1"], {
    env: { NEXUS_URL: server.url },
  });
  await logs.shows(/hello attempt 1/); // the past
  const before = logs.text.length;
  // The stream was asked for before the past was printed, but need not be there yet.
  while (logs.text.length === before) await publish("com.example.followed", "1");
  logs.child.kill("SIGINT");
  const { code, stderr } = await logs.ended();
  assert.deepEqual([code, stderr], [0, ""]);
});

test("nexus replay runs an event again and exits with 1 where it fails", TIMEOUT, async () => {
  const good = await publish("com.example.again", "1");
  const replayed = await run(["replay", good.event_id]);
  assert.equal(replayed.code, 0);
  assert.match(
    replayed.stdout,
    /✓ hello .* replay  \{"greeting":"Hello"\}\n.*attempt 1, replay true/,
  );
  const bad = await publish("bad.again", '"please"');
  const failed = await run(["replay", bad.event_id, "--function", "failing", "--json"]);
  assert.equal(failed.code, 1);
  const { invocations } = JSON.parse(failed.stdout) as { invocations: Invocation[] };
  assert.equal(invocations[0]?.trigger, "replay");
  const nobody = await run(["replay", bad.event_id, "--function", "nope"]);
  assert.match(nobody.stderr, /\n  `nexus functions` lists what is in service\.\n$/);
});

test(
  "nexus replay runs an invocation again from its recording, and says that it is the same",
  TIMEOUT,
  async () => {
    const { event_id: event } = await publish("com.example.recorded", "1");
    const { invocations } = await json<{ invocations: Invocation[] }>([
      "invocations",
      "-f",
      "hello",
    ]);
    const { id } = invocations.find(({ event_id: of }) => of === event)!;
    const before = invocations.length;
    const replayed = await run(["replay", id]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(
      replayed.stdout,
      /^hello \S+\n  ✓ identical: output, logs and effects are the same, bit for bit\n  output +[0-9a-f]{16}\n/,
    );
    const after = await json<{ invocations: Invocation[] }>(["invocations", "-f", "hello"]);
    assert.equal(after.invocations.length, before, "it leaves no record");
  },
);

test("nexus dlq lists, shows and redrives", TIMEOUT, async () => {
  await publish("bad.letter", '"please"');
  const { dead_letters: letters } = await json<{ dead_letters: DeadLetter[] }>([
    "dlq",
    "--type",
    "bad.letter",
  ]);
  const { id } = letters[0]!;
  const list = await run(["dlq", "list", "--type", "bad.letter"]);
  assert.match(
    list.stdout,
    /^ID +FUNCTION +EVENT +ATTEMPTS +ERROR +SINCE\n[\w-]+ +failing +bad\.letter +1 /,
  );
  const shown = await run(["dlq", "show", id]);
  assert.match(
    shown.stdout,
    /^✗ failing gave up after 1 attempt\n.*Its last run:\n✗ failing failed .*Logs\n/s,
  );
  const redriven = await run(["dlq", "redrive", id]);
  assert.deepEqual(
    [redriven.code, redriven.stdout],
    [0, "Redriven: it is due now, from attempt 1.\n"],
  );
  const gone = await run(["dlq", "redrive", id]);
  assert.match(
    gone.stderr,
    /^nexus: cannot find dead letter .*\n  `nexus dlq` lists those there are\.\n$/,
  );
  const all = await json<{ redriven: number }>(["dlq", "redrive", "--all", "--type", "bad.one"]);
  assert.equal(all.redriven, 1);
  const unclear = await run(["dlq", "redrive"]);
  assert.equal(unclear.code, 2);
  assert.match(unclear.stderr, /say --all, --function or --type/);
});

test("nexus functions, metrics and doctor sum up the server", TIMEOUT, async () => {
  const list = await run(["functions"]);
  assert.match(list.stdout, /\nhello +event com\.example\.\* +[0-9a-f]{12}\n/);
  const shown = await run(["functions", "hello"]);
  assert.match(shown.stdout, /^hello [0-9a-f]{12}\n  triggers +event com\.example\.\*\n/);
  const { functions } = await json<{ functions: FunctionInfo[] }>(["functions"]);
  assert.deepEqual(
    functions.map(({ name }) => name),
    ["failing", "hello", "slow", "trapping"],
  );

  const metrics = await run(["metrics"]);
  assert.match(metrics.stdout, /^  events +\d+ accepted/);
  assert.match(metrics.stdout, /\nFUNCTION +RUNS .*\nfailing +\d+ +[1-9]/);
  assert.ok("nexus_events_total" in (await json<object>(["metrics"])));

  const doctor = await run(["doctor"]);
  assert.deepEqual([doctor.code, doctor.stderr], [0, ""]);
  assert.match(doctor.stdout, /\n✓ server +http:\S+ answers: version /);
  const { ok } = await json<{ ok: boolean }>(["doctor"]);
  assert.equal(ok, true);
});

test("nexus doctor exits with 1 on a failure, with what to do", TIMEOUT, async () => {
  await writeFile(join(server.dir, "broken.yaml"), "version: v2\n");
  const { code, stdout } = await run(["doctor", "--config", "broken.yaml"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^✗ config .*broken\.yaml:1:1.*\n +→ `nexus validate` lists every problem\.\n/m,
  );
});
