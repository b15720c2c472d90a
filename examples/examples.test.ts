// Every example on a real server, with what its README says to send and what it says comes back.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Invocation } from "@nexus-functions/server/core/invocation";
import {
  testServer,
  type DeadLetters,
  type Records,
  type TestServer,
} from "@nexus-functions/server/testing/server";

interface Published {
  readonly event_id: string;
  readonly invocations: readonly Invocation[];
}

interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  readonly causationid?: string;
  readonly correlationid?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Events {
  readonly events: readonly CloudEvent[];
}

const TIMEOUT = { timeout: 60_000 };

function example(folder: string): Promise<TestServer> {
  return testServer("", { configFile: join(import.meta.dirname, folder, "nexus.yaml") });
}

/** The JSON body that an example's README sends. */
function readmeBody(folder: string): Record<string, unknown> {
  const readme = readFileSync(join(import.meta.dirname, folder, "README.md"), "utf8");
  const body = /-d '(\{[^']*\})'/.exec(readme)?.[1];
  assert.ok(body !== undefined, `${folder}/README.md sends a body`);
  return JSON.parse(body) as Record<string, unknown>;
}

async function publish(
  server: TestServer,
  type: string,
  body: string | Uint8Array<ArrayBuffer> | object,
  contentType = "application/json",
): Promise<Published> {
  const response = await fetch(`${server.url}/events/${type}?wait=30s`, {
    method: "POST",
    headers: { "content-type": contentType },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as Published;
}

function logOf(invocation: Invocation | undefined): readonly string[] {
  return (invocation?.logs ?? []).map(({ text }) => text);
}

test("hello greets whom the event names", TIMEOUT, async () => {
  await using server = await example("hello");
  const { invocations } = await publish(
    server,
    "com.example.greeting.requested",
    readmeBody("hello"),
  );
  assert.equal(invocations.length, 1);
  assert.equal(invocations[0]?.status, "succeeded");
  assert.equal(invocations[0].output, '{"greeting":"Hello, Ada!"}');
  assert.deepEqual(logOf(invocations[0]), ["greeting Ada, attempt 1"]);
});

test(
  "hello keeps every character of a name, escapes and surrogate pairs too",
  TIMEOUT,
  async () => {
    await using server = await example("hello");
    const name = 'Zoë "Ω" \\ \n\t\u0001 😀';
    const { invocations } = await publish(server, "com.example.greeting.requested", { name });
    assert.deepEqual(JSON.parse(invocations[0]!.output), { greeting: `Hello, ${name}!` });
  },
);

test("hello fails without a name, says why, and is tried again", TIMEOUT, async () => {
  await using server = await example("hello");
  await server.post("/events/com.example.greeting.requested", {});
  const { invocations } = await server.until<Records>(
    "/invocations?function=hello",
    (records) => records.invocations.length > 0,
  );
  assert.equal(invocations.at(-1)?.status, "failed");
  assert.equal(invocations.at(-1)?.exit_code, 1);
  assert.equal(invocations.at(-1)?.delivery, "retry");
  assert.deepEqual(logOf(invocations.at(-1)), ['the event has no "data.name"']);
});

test("hello greets the world when its cron trigger fires", TIMEOUT, async () => {
  const folder = join(import.meta.dirname, "hello");
  const config = readFileSync(join(folder, "nexus.yaml"), "utf8")
    .replace('"0 * * * *"', '"* * * * * *"')
    .replace("./build/", `${folder}/build/`);
  await using server = await testServer(config);
  const { invocations } = await server.until<Records>(
    "/invocations?function=hello",
    (records) => records.invocations.length > 0,
  );
  assert.equal(invocations.at(-1)?.trigger, "cron");
  assert.equal(invocations.at(-1)?.output, '{"greeting":"Hello, world!"}');
});

test(
  "order-pipeline takes an order from placed to paid, each event naming its cause",
  TIMEOUT,
  async () => {
    await using server = await example("order-pipeline");
    const order = readmeBody("order-pipeline");
    const placed = await publish(server, "com.example.order.placed", order);
    assert.equal(placed.invocations[0]?.output, '{"order_id":"A-1","total_cents":900}');

    const { events } = await server.until<Events>(
      "/events",
      (answer) => answer.events.length === 3,
    );
    const [paid, validated, first] = events;
    assert.equal(first?.id, placed.event_id);
    assert.equal(validated?.type, "com.example.order.validated");
    assert.equal(validated.source, "/nexus/functions/validate-order");
    assert.equal(validated.causationid, placed.event_id);
    assert.deepEqual(validated.data, { ...order, total_cents: 900 });
    assert.equal(paid?.type, "com.example.order.paid");
    assert.equal(paid.subject, "A-1");
    assert.equal(paid.causationid, validated.id);
    assert.equal(paid.correlationid, placed.event_id);
    assert.equal(paid.data?.["charged_cents"], 900);
  },
);

test(
  "order-pipeline retries a payment, and keeps one customer's orders in order meanwhile",
  TIMEOUT,
  async () => {
    await using server = await example("order-pipeline");
    const order = readmeBody("order-pipeline");
    const slow = { ...order, order_id: "A-2", provider_down_for_attempts: 2 };
    await server.post("/events/com.example.order.placed", slow);
    await server.post("/events/com.example.order.placed", { ...order, order_id: "A-3" });
    await server.post("/events/com.example.order.placed", {
      ...order,
      order_id: "B-1",
      customer_id: "C-8",
    });

    const { events } = await server.until<Events>(
      "/events?type=com.example.order.paid",
      (answer) => answer.events.length === 3,
    );
    const paid = events.map(({ subject }) => subject).toReversed();
    assert.deepEqual(paid, ["B-1", "A-2", "A-3"]);
    const retried = events.find(({ subject }) => subject === "A-2")!;
    const { invocations } = await server.get<Records>(`/events/${retried.causationid}/invocations`);
    const attempts = invocations.toSorted((a, b) => a.attempt - b.attempt);
    assert.deepEqual(
      attempts.map(({ status, emitted }) => [status, emitted.length]),
      [
        ["failed", 0],
        ["failed", 0],
        ["succeeded", 1],
      ],
    );
    assert.deepEqual(logOf(attempts[0]), ["attempt 1: the payment provider does not answer"]);
  },
);

test(
  "order-pipeline keeps an order that cannot be fulfilled as a dead letter",
  TIMEOUT,
  async () => {
    await using server = await example("order-pipeline");
    const order = readmeBody("order-pipeline");
    const lines = [{ sku: "tea", quantity: 0, unit_price_cents: 450 }];
    const { event_id, invocations } = await publish(server, "com.example.order.placed", {
      ...order,
      lines,
    });
    assert.deepEqual(
      invocations.map(({ attempt, status, delivery }) => [attempt, status, delivery]),
      [
        [1, "failed", "retry"],
        [2, "failed", "retry"],
        [3, "failed", "dead"],
      ],
    );
    assert.deepEqual(logOf(invocations[2]), ["refused A-1: quantity of line 1"]);
    const { dead_letters } = await server.get<DeadLetters>("/dead-letters");
    assert.equal(dead_letters.length, 1);
    assert.equal(dead_letters[0]?.event_id, event_id);
    assert.equal(dead_letters[0].function, "validate-order");
    const { events } = await server.get<Events>("/events");
    assert.equal(events.length, 1, "nothing was emitted");
  },
);

const SECRET = "It's a Secret to Everybody";

async function callWebhook(
  server: TestServer,
  body: string | Uint8Array<ArrayBuffer>,
  signature?: string,
): Promise<{ readonly status: number; readonly type: string | null; readonly body: unknown }> {
  const response = await fetch(`${server.url}/hooks/github`, {
    method: "POST",
    headers: signature === undefined ? {} : { "x-hub-signature-256": signature },
    body,
  });
  const type = response.headers.get("content-type");
  return { status: response.status, type, body: await response.json() };
}

test("webhook answers 200 to a signed body, that of GitHub's documentation", TIMEOUT, async () => {
  await using server = await example("webhook");
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const answer = await callWebhook(server, "Hello, World!", signature);
  assert.deepEqual(answer, {
    status: 200,
    type: "application/json",
    body: { verified: true },
  });
});

test(
  "webhook checks the raw bytes: JSON as it was written, and what is not text",
  TIMEOUT,
  async () => {
    await using server = await example("webhook");
    const bodies = ['{ "b":1,\n"a" : "\\u00e9 é \\ud83d\\ude00" }', "", "x".repeat(70_000)];
    const binary = Uint8Array.from({ length: 300 }, (_, index) => (index * 7) & 0xff);
    for (const body of [...bodies, binary]) {
      const hmac = createHmac("sha256", SECRET).update(body).digest("hex");
      const { status } = await callWebhook(server, body, `sha256=${hmac}`);
      assert.equal(status, 200, `a body of ${body.length}`);
    }
  },
);

test("webhook answers 401 to a wrong signature and to none", TIMEOUT, async () => {
  await using server = await example("webhook");
  const hmac = createHmac("sha256", SECRET).update("Hello, World!").digest("hex");
  const cases = [
    ["Hello, World?", `sha256=${hmac}`],
    ["Hello, World!", hmac],
    ["Hello, World!", `sha256=${hmac.slice(0, -1)}`],
    ["Hello, World!", undefined],
  ] as const;
  for (const [body, signature] of cases) {
    const answer = await callWebhook(server, body, signature);
    assert.equal(answer.status, 401, `${body} ${signature}`);
    assert.deepEqual(answer.body, { error: "the signature is missing or wrong" });
  }
  const { invocations } = await server.get<Records>("/invocations?function=webhook");
  assert.deepEqual(new Set(invocations.map(({ status }) => status)), new Set(["succeeded"]));
});

test("fraud-score flags a payment that breaks the rules, and emits an event", TIMEOUT, async () => {
  await using server = await example("rust-fraud-score");
  const verdict = {
    payment_id: "P-9",
    score: 75,
    reasons: ["large amount", "card and address are in two countries", "new account"],
    flagged: true,
  };
  const { event_id, invocations } = await publish(
    server,
    "com.example.payment.created",
    readmeBody("rust-fraud-score"),
  );
  assert.deepEqual(JSON.parse(invocations[0]!.output), verdict);
  assert.deepEqual(logOf(invocations[0]), ["P-9 scores 75"]);
  const { events } = await server.get<Events>("/events?type=com.example.payment.flagged");
  assert.equal(events.length, 1);
  assert.equal(events[0]?.causationid, event_id);
  assert.deepEqual(events[0].data, verdict);
});

test("fraud-score lets an ordinary payment pass, and emits nothing", TIMEOUT, async () => {
  await using server = await example("rust-fraud-score");
  const { invocations } = await publish(server, "com.example.payment.created", {
    payment_id: "P-1",
    amount_cents: 9900,
    card_country: "DE",
    ip_country: "DE",
    account_age_days: 365,
  });
  const verdict = { payment_id: "P-1", score: 0, reasons: [], flagged: false };
  assert.deepEqual(JSON.parse(invocations[0]!.output), verdict);
  assert.deepEqual(invocations[0]?.emitted, []);
});

test("fraud-score names the field that an event lacks", TIMEOUT, async () => {
  await using server = await example("rust-fraud-score");
  const { amount_cents: _, ...payment } = readmeBody("rust-fraud-score");
  const { invocations } = await publish(server, "com.example.payment.created", payment);
  assert.deepEqual(
    invocations.map(({ status }) => status),
    ["failed", "failed"],
  );
  assert.match(
    logOf(invocations[0])[0]!,
    /^the event holds no payment: missing field `amount_cents`/,
  );
});

const IMAGES = {
  // A whole PNG of one pixel; then the first bytes of larger images.
  png: "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6300010000000500010d0a2db40000000049454e44ae426082",
  gif: "474946383961800240010000",
  jpeg: "ffd8ffe000104a46494600010100000100010000ffc400040000ffc0001108012c0190030122",
} as const;

function bytesOf(format: keyof typeof IMAGES): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(IMAGES[format], "hex"));
}

test(
  "image-info reads PNG, GIF and JPEG from binary events, and emits what it found",
  TIMEOUT,
  async () => {
    await using server = await example("c-image-info");
    const sizes = { png: [1, 1], gif: [640, 320], jpeg: [400, 300] } as const;
    for (const [format, [width, height]] of Object.entries(sizes)) {
      const file = bytesOf(format as keyof typeof IMAGES);
      const type = "com.example.image.uploaded";
      const { event_id, invocations } = await publish(server, type, file, `image/${format}`);
      const info = { format, width, height, bytes: file.length };
      assert.deepEqual(JSON.parse(invocations[0]!.output), info);
      const { events } = await server.get<Events>(
        "/events?type=com.example.image.measured&limit=1",
      );
      assert.equal(events[0]?.causationid, event_id);
      assert.deepEqual(events[0].data, info);
    }
  },
);

test(
  "image-info gives up at once on what is no image, whole or cut off anywhere",
  TIMEOUT,
  async () => {
    await using server = await example("c-image-info");
    const jpeg = bytesOf("jpeg");
    for (const length of [0, 1, 2, 5, 21, 27, 34]) {
      const type = "com.example.image.uploaded";
      const { invocations } = await publish(server, type, jpeg.slice(0, length), "image/jpeg");
      assert.deepEqual(
        invocations.map(({ status, delivery }) => [status, delivery]),
        [["failed", "dead"]],
        `${length} bytes`,
      );
    }
  },
);

test("the three shapes of a module read the same event", TIMEOUT, async () => {
  await using server = await example("shapes");
  const { event_id, invocations } = await publish(server, "com.example.shape", {});
  const stored = await fetch(`${server.url}/events/${event_id}`);
  const bytes = (await stored.arrayBuffer()).byteLength;
  const outputs = invocations.map(({ output }) => JSON.parse(output) as unknown);
  assert.equal(outputs.length, 3);
  for (const shape of ["command", "reactor", "bare"]) {
    assert.deepEqual(
      outputs.find((output) => (output as { shape: string }).shape === shape),
      { shape, bytes },
    );
  }
});
