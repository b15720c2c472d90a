import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { silentLogger } from "../telemetry/silent.ts";
import type { HttpHandler } from "./http.ts";
import { listen, type ListenOptions } from "./node.ts";
import { problemOf } from "./problem.ts";

const TIMEOUT = { timeout: 20_000 };

/** Answers with what it read; errors as the app would. */
const echo: HttpHandler = async (request) => {
  try {
    const body = await request.body(1000);
    return {
      status: 200,
      headers: {
        "content-type": "text/plain",
        "x-seen": `${request.method} ${request.path} ${request.query}`,
      },
      body,
    };
  } catch (error) {
    return problemOf(error, "0".repeat(32));
  }
};

async function serve(handler: HttpHandler, options: Partial<ListenOptions> = {}) {
  const server = await listen(handler, {
    host: "127.0.0.1",
    port: 0,
    logger: silentLogger(),
    ...options,
  });
  return { ...server, [Symbol.asyncDispose]: () => server.close(AbortSignal.abort()) };
}

/** Sends bytes over a bare socket and resolves with all that comes back until the server hangs up. */
async function raw(port: number, text: string, end = false): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.on("error", () => undefined); // a reset is one way for a server to hang up
  socket.write(text);
  if (end) socket.end();
  await once(socket, "close");
  return answer;
}

test(
  "listen() answers with status, headers and body, and reads bodies in pieces",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    const response = await fetch(`${server.url}/a%20b?x=1&y`, {
      method: "POST",
      body: ReadableStream.from(["one ", "two ", "three"]).pipeThrough(new TextEncoderStream()),
      duplex: "half",
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-seen"), "POST /a%20b x=1&y");
    assert.equal(response.headers.get("content-length"), "13");
    assert.equal(await response.text(), "one two three");
  },
);

test(
  "listen() gives the same request, whether it announces its length or not, the limit",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    const large = "x".repeat(1001);
    for (const body of [large, ReadableStream.from([large]).pipeThrough(new TextEncoderStream())]) {
      const response = await fetch(server.url, { method: "POST", body, duplex: "half" });
      assert.equal(response.status, 413);
      assert.equal(((await response.json()) as { code: string }).code, "EVENT_TOO_LARGE");
    }
    assert.equal((await fetch(server.url, { method: "POST", body: "fine" })).status, 200);
  },
);

test("listen() says HEAD what GET would, without the body", TIMEOUT, async () => {
  await using server = await serve(async () => ({ status: 200, headers: {}, body: "seven c" }));
  const response = await fetch(server.url, { method: "HEAD" });
  assert.equal(response.headers.get("content-length"), "7");
  assert.equal(await response.text(), "");
});

test(
  "listen() streams an iterable as it comes, and stops it when the client goes away",
  TIMEOUT,
  async () => {
    const ended = Promise.withResolvers<void>();
    await using server = await serve(async (request) => ({
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: (async function* () {
        try {
          yield "first\n";
          await once(request.signal, "abort");
        } finally {
          ended.resolve();
        }
      })(),
    }));
    const controller = new AbortController();
    const response = await fetch(server.url, { signal: controller.signal });
    const reader = response.body!.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "first\n");
    controller.abort();
    await ended.promise;
  },
);

test("listen() refuses headers over 16 KiB with 431 and goes on", TIMEOUT, async () => {
  await using server = await serve(echo);
  const answer = await raw(
    server.port,
    `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${"y".repeat(20_000)}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.match(answer, /"code":"HEADERS_TOO_LARGE"/);
  assert.equal((await fetch(server.url, { method: "POST", body: "fine" })).status, 200);
});

test(
  "listen() reads a refused body to its end, so that its answer arrives, and goes on with the next request",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    const body = "x".repeat(3 * 1024 * 1024);
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const next = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    for (const refused of [
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`,
    ]) {
      const answer = await raw(server.port, refused + next);
      assert.match(answer, /^HTTP\/1\.1 413 [^]*HTTP\/1\.1 200 [^]*ok$/);
    }
  },
);

test(
  "listen() answers a body that is announced as far too long at once, and hangs up",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    const length = 5 * 1024 * 1024;
    const answer = await raw(
      server.port,
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 413 [^]*connection: close\r\n/i);
  },
);

test(
  "listen() refuses what is no HTTP, bad framing and two lengths with 400",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    for (const text of [
      "hello there\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ]) {
      const answer = await raw(server.port, text);
      assert.match(answer, /HTTP\/1\.1 400 /, text);
      assert.doesNotMatch(answer, /\bat .*\.ts/, "no stack");
    }
    assert.equal((await fetch(server.url, { method: "POST", body: "fine" })).status, 200);
  },
);

test(
  "listen() refuses what HTTP lets be asked and it does not do, each with a code",
  TIMEOUT,
  async () => {
    await using server = await serve(echo);
    const end = "connection: close\r\n\r\n";
    for (const [text, expected] of [
      [`GET / HTTP/1.1\r\n${end}`, "400 REQUEST_INVALID"],
      [`GET / HTTP/1.1\r\nhost: x\r\nexpect: a miracle\r\n${end}`, "400 REQUEST_INVALID"],
      ["CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n", "405 METHOD_NOT_ALLOWED"],
      ["BREW / HTTP/1.1\r\nhost: x\r\n\r\n", "400 REQUEST_INVALID"],
      ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 REQUEST_INVALID"],
      ["GET / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n", "400 REQUEST_INVALID"],
      [`GET /${"x".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, "431 HEADERS_TOO_LARGE"],
      [`GET / HTTP/1.1\r\nhost: x\r\n${"a:\r\n".repeat(5000)}\r\n`, "431 HEADERS_TOO_LARGE"],
    ] as const) {
      const answer = await raw(server.port, text);
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
      const [, code] = /"code":"(\w+)"/.exec(answer) ?? [];
      assert.equal(`${status} ${code}`, expected, text.slice(0, 80));
      assert.match(answer, /\r\ncontent-type: application\/problem\+json/i);
      assert.match(answer, /\r\ntraceparent: 00-/i);
    }
    assert.match(await raw(server.port, "GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
  },
);

test(
  "listen() tells the handler when a connection ends in the middle of a body",
  TIMEOUT,
  async () => {
    const seen = Promise.withResolvers<unknown>();
    await using server = await serve(async (request) => {
      await request.body(1000).then(seen.reject, seen.resolve);
      return { status: 200, headers: {} };
    });
    await raw(
      server.port,
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this",
      true,
    );
    const error = await seen.promise;
    assert.ok(error instanceof NexusError);
    assert.equal(error.code, "BODY_INVALID");
  },
);

test("listen() hangs up on a client that is too slow with its headers", TIMEOUT, async () => {
  await using server = await serve(echo, { headersTimeoutMs: 100, requestTimeoutMs: 100 });
  const answer = await raw(server.port, "GET / HTTP/1.1\r\nhost: x\r\n");
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /"code":"REQUEST_TIMEOUT"/);
});

test("listen() answers pipelined requests in order", TIMEOUT, async () => {
  await using server = await serve(echo);
  const one = (body: string, more = "") =>
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;
  const answer = await raw(
    server.port,
    one("first") + one("second") + one("third", "connection: close\r\n"),
  );
  assert.deepEqual(answer.match(/first|second|third/g), ["first", "second", "third"]);
});

test(
  "listen() answers a handler that throws with INTERNAL, without its words",
  TIMEOUT,
  async () => {
    await using server = await serve(async () => {
      throw new Error("secret words");
    });
    const response = await fetch(server.url);
    const text = await response.text();
    assert.equal(response.status, 500);
    assert.match(text, /"code":"INTERNAL"/);
    assert.doesNotMatch(text, /secret/);
  },
);

test("listen() says so when the port is taken", TIMEOUT, async () => {
  await using server = await serve(echo);
  await assert.rejects(
    listen(echo, { host: "127.0.0.1", port: server.port, logger: silentLogger() }),
    (error: NexusError) => {
      assert.equal(error.code, "PORT_UNAVAILABLE");
      assert.equal(
        error.message,
        `Cannot listen on 127.0.0.1:${server.port}: another program has the port`,
      );
      return true;
    },
  );
});

test("close() lets a request under way finish, and takes no new connection", TIMEOUT, async () => {
  const entered = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const server = await listen(
    async () => {
      entered.resolve();
      await go.promise;
      return { status: 200, headers: {}, body: "finished" };
    },
    { host: "127.0.0.1", port: 0, logger: silentLogger() },
  );
  const response = fetch(server.url);
  await entered.promise;
  const closed = server.close(new AbortController().signal);
  await assert.rejects(raw(server.port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").then(refusedIfEmpty));
  go.resolve();
  assert.equal(await (await response).text(), "finished");
  await closed;
});

test("close() ends streams, which would go on for ever", TIMEOUT, async () => {
  const server = await listen(
    async (request) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield "first\n";
        await once(request.signal, "abort");
      })(),
    }),
    { host: "127.0.0.1", port: 0, logger: silentLogger() },
  );
  const response = await fetch(server.url);
  const reader = response.body!.getReader();
  await reader.read();
  await server.close(new AbortController().signal);
  assert.equal((await reader.read()).done, true);
});

function refusedIfEmpty(answer: string): void {
  if (answer === "") throw new Error("refused");
}
