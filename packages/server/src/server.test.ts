// The main job, all rooms together: an event comes in over a socket, is kept, runs, is recorded, and
// is replayed. The rooms' own promises are tested in the rooms.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Invocation } from "./core/invocation.ts";
import { probes, testServer, type DeadLetters, type Records } from "./testing/server.ts";

interface Accepted {
  readonly event_id: string;
  readonly status: string;
  readonly position: number;
  readonly trace_id: string;
  readonly invocations: readonly Invocation[];
}

interface Events {
  readonly events: readonly { readonly [attribute: string]: unknown; readonly id: string }[];
}

const TIMEOUT = { timeout: 60_000 };

test("an event is kept, run, recorded, and can be replayed", TIMEOUT, async () => {
  await using server = await testServer(probes({ name: "worker", on: "{ event: order.* }" }));
  const { status, body } = await server.post<Accepted>("/events/order.created?wait=20s", { n: 1 });
  assert.equal(status, 200);
  assert.equal(body.status, "accepted");
  const [run] = body.invocations;
  assert.equal(run?.status, "succeeded");
  assert.equal(run.attempt, 1);
  assert.equal(run.trigger, "event");
  assert.equal(run.version, server.running.functions()[0]!.version);
  assert.deepEqual((JSON.parse(run.output) as { data: unknown }).data, { n: 1 });
  assert.equal(run.logs[0]?.text, "attempt 1, replay false");

  const replayed = await server.post<Records>(`/replay/${body.event_id}`);
  assert.equal(replayed.body.invocations[0]?.trigger, "replay");
  assert.equal(replayed.body.invocations[0].logs[0]?.text, "attempt 1, replay true");
  const all = await server.get<Records>(`/events/${body.event_id}/invocations`);
  assert.deepEqual(all.invocations.map(({ trigger }) => trigger).toSorted(), ["event", "replay"]);
});

test(
  "a failing delivery is retried until it succeeds, and every attempt is on record",
  TIMEOUT,
  async () => {
    await using server = await testServer(
      probes({
        name: "flaky",
        on: "{ event: a }",
        yaml: "env: { FAIL_UNTIL: '3' }\nretry: { attempts: 5, backoff: 10ms, jitter: false }",
      }),
    );
    const { body } = await server.post<Accepted>("/events/a?wait=20s");
    const runs = body.invocations;
    assert.deepEqual(
      runs.map(({ status, delivery }) => [status, delivery]),
      [
        ["failed", "retry"],
        ["failed", "retry"],
        ["succeeded", "done"],
      ],
    );
    assert.deepEqual(
      runs.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    const [first, second] = runs;
    assert.ok(
      Date.parse(second!.started_at) >= Date.parse(first!.retry_at!),
      "not before it is due",
    );
  },
);

test(
  "a delivery out of attempts is a dead letter, and redriving runs it again",
  TIMEOUT,
  async () => {
    const failing = (until: string) =>
      probes({
        name: "strict",
        on: "{ event: a }",
        yaml: `env: { FAIL_UNTIL: '${until}' }\nretry: { attempts: 2, backoff: 1ms }`,
      });
    await using server = await testServer(failing("99"));
    const { body } = await server.post<Accepted>("/events/a?wait=20s", { n: 1 });
    assert.deepEqual(
      body.invocations.map(({ delivery }) => delivery),
      ["retry", "dead"],
    );
    const { dead_letters: letters } = await server.get<DeadLetters>("/dead-letters");
    assert.equal(letters.length, 1);
    assert.equal(letters[0]!.attempts, 2);
    assert.equal(letters[0]!.error.code, "FUNCTION_FAILED");

    await writeFile(server.configFile, failing("1"));
    assert.equal((await server.running.reload()).ok, true);
    const redriven = await server.post(`/dead-letters/${letters[0]!.id}/redrive`);
    assert.ok(redriven.status < 300, String(redriven.status));
    await server.until<Records>(`/events/${body.event_id}/invocations`, ({ invocations }) =>
      invocations.some(({ status, attempt }) => status === "succeeded" && attempt === 1),
    );
    assert.deepEqual((await server.get<DeadLetters>("/dead-letters")).dead_letters, []);
  },
);

test(
  "order_by runs the events of one key in order, retries included, and holds up no other key",
  TIMEOUT,
  async () => {
    await using server = await testServer(
      probes({
        name: "ledger",
        on: "{ event: a }",
        yaml: `order_by: data.key\nconcurrency: 8
        env: { FAIL_IF: '"stumble":true', FAIL_UNTIL: '3' }
        retry: { attempts: 5, backoff: 30ms }`,
      }),
    );
    const sent: { key: string; n: number }[] = [];
    for (let n = 0; n < 40; n += 1) {
      const key = `k${n % 4}`;
      sent.push({ key, n });
      await server.post("/events/a", { key, n, stumble: n % 7 === 0 });
    }
    const { invocations } = await server.until<Records>(
      "/invocations?limit=200",
      (answer) =>
        answer.invocations.filter(({ delivery }) => delivery === "done").length === sent.length,
    );
    const oldestFirst = invocations.toReversed();
    for (const key of ["k0", "k1", "k2", "k3"]) {
      const runs = oldestFirst
        .filter(({ output, delivery }) => delivery === "done" && output.includes(`"${key}"`))
        .map(({ position }) => position);
      assert.deepEqual(
        runs,
        runs.toSorted((a, b) => a - b),
        key,
      );
    }
  },
);

test(
  "a function emits an event by its output, another by the host call, each with its cause",
  TIMEOUT,
  async () => {
    await using server = await testServer(
      probes(
        {
          name: "first",
          on: "{ event: a }",
          yaml: `output: events\nenv: { OUTPUT: '{"type":"b","data":{"x":1}}' }`,
        },
        { name: "second", on: "{ event: b }", yaml: `env: { EMIT: '{"type":"c"}' }` },
        { name: "third", on: "{ event: c }" },
      ),
    );
    const { body } = await server.post<Accepted>("/events/a");
    const { invocations } = await server.until<Records>(
      "/invocations?function=third",
      (answer) => answer.invocations.length === 1,
    );
    assert.equal(invocations[0]!.trace_id, body.trace_id, "one trace through the whole chain");
    const { events } = await server.get<Events>("/events");
    const [c, b, a] = events;
    assert.equal(b!["causationid"], a!.id);
    assert.equal(c!["causationid"], b!.id);
    assert.equal(c!["correlationid"], a!.id);
    assert.equal(b!["source"], "/nexus/functions/first");
  },
);

test(
  "a circle of emitted events ends at the limit, with a dead letter that says so",
  TIMEOUT,
  async () => {
    await using server = await testServer(
      `${probes({ name: "circle", on: "{ event: a }", yaml: `output: events\nenv: { OUTPUT: '{"type":"a"}' }` })}limits: { chain_depth: 5 }\n`,
    );
    await server.post("/events/a");
    const { dead_letters: letters } = await server.until<DeadLetters>(
      "/dead-letters",
      (answer) => answer.dead_letters.length === 1,
    );
    assert.equal(letters[0]!.error.code, "EVENT_LOOP");
    assert.equal((await server.get<Events>("/events")).events.length, 6);
  },
);

test("output that is no event fails the run, and nothing of it is appended", TIMEOUT, async () => {
  await using server = await testServer(
    probes({
      name: "sloppy",
      on: "{ event: a }",
      yaml: `output: events\nretry: { attempts: 1 }\nenv: { OUTPUT: '[{"type":"b"},{"no":"type"}]' }`,
    }),
  );
  const { body } = await server.post<Accepted>("/events/a?wait=20s");
  assert.equal(body.invocations[0]!.status, "failed");
  assert.equal(body.invocations[0]!.error!.code, "FUNCTION_OUTPUT_INVALID");
  assert.equal(body.invocations[0]!.exit_code, 0);
  assert.equal((await server.get<Events>("/events")).events.length, 1);
});

test(
  "what a failed attempt emitted is not appended; what a replay emits is appended again",
  TIMEOUT,
  async () => {
    const emitter = (until: string) =>
      probes({
        name: "emitter",
        on: "{ event: a }",
        yaml: `env: { EMIT: '{"type":"b"}', FAIL_UNTIL: '${until}' }\nretry: { attempts: 3, backoff: 1ms }`,
      });
    await using server = await testServer(emitter("2"));
    const { body } = await server.post<Accepted>("/events/a?wait=20s");
    assert.deepEqual(
      body.invocations.map(({ emitted }) => emitted.length),
      [0, 1],
    );
    assert.equal((await server.get<Events>("/events?type=b")).events.length, 1);
    await writeFile(server.configFile, emitter("1"));
    await server.running.reload();
    await server.post(`/replay/${body.event_id}`);
    assert.equal((await server.get<Events>("/events?type=b")).events.length, 2);
  },
);

test("a cron trigger runs its function with the tick as its event", TIMEOUT, async () => {
  await using server = await testServer(probes({ name: "ticker", on: '{ cron: "* * * * * *" }' }));
  const { invocations } = await server.until<Records>(
    "/invocations",
    (answer) => answer.invocations.length >= 2,
  );
  const [newest] = invocations;
  assert.equal(newest!.trigger, "cron");
  const event = JSON.parse(newest!.output) as { time: string; data: { schedule: string } };
  assert.equal(event.data.schedule, "* * * * * *");
  assert.match(event.time, /:\d\d\.000Z$/);
  assert.equal(new Set(invocations.map(({ event_id }) => event_id)).size, invocations.length);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const gauge = (name: string) =>
    Number(new RegExp(`^${name}{function="ticker"} (\\S+)$`, "m").exec(metrics)![1]);
  const due = gauge("nexus_cron_last_tick_timestamp_seconds");
  assert.ok(due * 1000 >= Date.parse(event.time) && due * 1000 <= Date.now(), String(due));
  assert.ok(gauge("nexus_cron_late_seconds") >= 0);
});

test(
  "respond: true answers with the function's output, and keeps event and record",
  TIMEOUT,
  async () => {
    await using server = await testServer(
      probes({
        name: "page",
        on: "{ http: { method: GET, path: /hello/:name, respond: true } }",
        yaml: `env: { OUTPUT: "Status: 201 Made\\nContent-Type: text/plain\\n\\nhi" }`,
      }),
    );
    const response = await fetch(`${server.url}/hello/ada?x=1`);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("content-type"), "text/plain");
    assert.equal(await response.text(), "hi");
    const { invocations } = await server.until<Records>(
      "/invocations?function=page",
      (answer) => answer.invocations.length === 1,
    );
    assert.equal(invocations[0]!.trigger, "http");
  },
);

test(
  "a restart continues where it was: what was accepted meanwhile runs, what was settled does not",
  TIMEOUT,
  async () => {
    const slow = probes({
      name: "slow",
      on: "{ event: a }",
      yaml: "env: { SPIN_MS: '20' }\nconcurrency: 1",
    });
    const idle = probes({ name: "other", on: "{ event: never }" });
    await using first = await testServer(slow);
    const ids = new Set<string>();
    for (let n = 0; n < 10; n += 1)
      ids.add((await first.post<Accepted>("/events/a")).body.event_id);
    await using second = await first.restart(idle);
    for (let n = 0; n < 5; n += 1)
      ids.add((await second.post<Accepted>("/events/a")).body.event_id);
    await using third = await second.restart(slow);
    const { invocations } = await third.until<Records>(
      "/invocations?limit=100",
      (answer) =>
        answer.invocations.filter(({ status }) => status === "succeeded").length >= ids.size,
    );
    const succeeded = invocations.filter(({ status }) => status === "succeeded");
    assert.deepEqual(new Set(succeeded.map(({ event_id }) => event_id)), ids);
    assert.equal(succeeded.length, ids.size, "nothing that was settled ran again");
  },
);

test(
  "reload() serves the new version, and keeps the last good one when the file is broken",
  TIMEOUT,
  async () => {
    const answer = (text: string) =>
      probes({ name: "f", on: "{ event: a }", yaml: `env: { OUTPUT: '${text}' }` });
    await using server = await testServer(answer("one"));
    await writeFile(server.configFile, answer("two"));
    assert.equal((await server.running.reload()).ok, true);
    const two = await server.post<Accepted>("/events/a?wait=20s");
    assert.equal(two.body.invocations[0]!.output, "two");
    await writeFile(server.configFile, `${answer("three")}    timeout: 5 parsecs\n`);
    const broken = await server.running.reload();
    assert.equal(broken.ok, false);
    assert.match(
      broken.ok ? "" : broken.error.message,
      /nexus\.yaml:\d+:\d+: functions\[0\]\.timeout: "5 parsecs"/,
    );
    const still = await server.post<Accepted>("/events/a?wait=20s");
    assert.equal(still.body.invocations[0]!.output, "two");
  },
);

test(
  "close() lets what runs finish, and cuts off what does not end, which runs after the restart",
  TIMEOUT,
  async () => {
    const config = probes({
      name: "long",
      on: "{ event: a }",
      yaml: "env: { SPIN_MS: '600' }\nconcurrency: 1",
    });
    await using first = await testServer(config, { drainMs: 100 });
    const { body } = await first.post<Accepted>("/events/a");
    await first.until<{ functions: readonly unknown[] }>("/functions", () => true);
    await using second = await first.restart();
    const { invocations } = await second.until<Records>(
      `/events/${body.event_id}/invocations`,
      (answer) => answer.invocations.some(({ status }) => status === "succeeded"),
    );
    assert.ok(invocations.every(({ status }) => status === "succeeded" || status === "cancelled"));
  },
);

test(
  "every trigger of one function is served; without NATS, its trigger is a warning",
  TIMEOUT,
  async () => {
    const every = `
- event: com.example.user.*
- http: { method: POST, path: /welcome, respond: true }
- cron: "*/5 * * * *"
- nats: orders.created
`;
    await using server = await testServer(
      probes({
        name: "user-welcome",
        on: every.trimEnd().replaceAll("\n", "\n      "),
        yaml: `runtime: wasi-preview1
timeout: 5s
memory: 128Mi
env: { OUTPUT: welcome }
concurrency: 8
order_by: data.user_id
retry: { attempts: 5, backoff: 1s, max_backoff: 5m, jitter: true }`,
      }),
    );
    const answer = await fetch(`${server.url}/welcome`, { method: "POST", body: "{}" });
    assert.equal(await answer.text(), "welcome");
    const { body } = await server.post<Accepted>("/events/com.example.user.created?wait=20s", {});
    assert.equal(body.invocations[0]?.status, "succeeded");
    assert.ok(server.lines.some((line) => line.includes("is served without NATS")));

    await assert.rejects(testServer(probes({ name: "a", on: "{ nats: a.b }" })), {
      code: "UNSUPPORTED",
      message: /^Cannot serve function "a": its trigger "nats" needs the NATS driver/,
    });
  },
);

test("the record of a run out of time has what it logged until then", TIMEOUT, async () => {
  await using server = await testServer(
    probes({
      name: "slow",
      on: "{ event: a }",
      yaml: "env: { SPIN_MS: '50000' }\ntimeout: 200ms\nretry: { attempts: 1 }",
    }),
  );
  const { body } = await server.post<Accepted>("/events/a?wait=20s", {});
  const { invocations } = await server.get<Records>(`/events/${body.event_id}/invocations`);
  const [record] = invocations;
  assert.equal(invocations.length, 1);
  assert.equal(record!.status, "timed_out");
  assert.equal(record!.error?.code, "FUNCTION_TIMED_OUT");
  assert.deepEqual(
    record!.logs.map(({ text }) => text),
    ["attempt 1, replay false"],
  );
  assert.ok(record!.duration_ms >= 200 && record!.memory_peak_bytes > 0);
});
