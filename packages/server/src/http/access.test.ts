// The API behind tokens, over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { tokenHash, type Scope } from "../core/api-token.ts";
import { probes, testServer, type TestServer } from "../testing/server.ts";
import { apiRoutes } from "./app.ts";
import type { AppDeps } from "./route.ts";

const TIMEOUT = { timeout: 60_000 };
const NO_FUNCTIONS = "version: v1\nfunctions: []\n";

const TOKENS = {
  read: "read-0123456789abcdef",
  publish: "publish-0123456789abcdef",
  admin: "admin-0123456789abcdef",
} as const satisfies Record<Scope, string>;

const SCOPES = Object.keys(TOKENS) as Scope[];

function guarded(config = NO_FUNCTIONS): Promise<TestServer> {
  const apiTokens = SCOPES.map((scope) => ({ scope, sha256: tokenHash(TOKENS[scope]) }));
  return testServer(config, { apiTokens });
}

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string | undefined;
}

/** The answer's head, and the code where it is a problem: a stream is left at once. */
async function ask(url: string, method: string, authorization?: string): Promise<Asked> {
  const { status, headers, body } = await fetch(url, {
    method,
    headers: authorization === undefined ? {} : { authorization },
  });
  if (headers.get("content-type") !== "application/problem+json") {
    await body?.cancel();
    return { status, headers, code: undefined };
  }
  const answer = await text(body!);
  for (const token of Object.values(TOKENS)) assert.ok(!answer.includes(token), answer);
  return { status, headers, code: (JSON.parse(answer) as { code: string }).code };
}

test("every call of the API needs its scope, and only these are public", TIMEOUT, async () => {
  await using server = await guarded();
  const open: string[] = [];
  for (const { method, path, scope } of apiRoutes({} as AppDeps)) {
    const url = `${server.url}${path.replaceAll(/:\w+/g, "none")}`;
    const call = `${method} ${path}`;
    const bare = await ask(url, method);
    if (scope === "public") {
      open.push(call);
      assert.equal(bare.status, 200, call);
      assert.equal((await ask(url, method, "Bearer wrong")).status, 200, call);
      continue;
    }
    if (method !== "GET") assert.notEqual(scope, "read", call);
    assert.equal(bare.code, "UNAUTHORIZED", call);
    assert.equal(bare.status, 401);
    assert.equal(bare.headers.get("www-authenticate"), 'Bearer realm="nexus"');
    for (const has of SCOPES) {
      const { status, headers, code } = await ask(url, method, `Bearer ${TOKENS[has]}`);
      if (has === scope || has === "admin") {
        assert.ok(status !== 401 && status !== 403, `${call} with ${has}: ${status}`);
        continue;
      }
      assert.deepEqual([status, code], [403, "FORBIDDEN"], `${call} with ${has}`);
      assert.equal(
        headers.get("www-authenticate"),
        `Bearer realm="nexus", error="insufficient_scope", scope="${scope}"`,
      );
    }
  }
  assert.deepEqual(open.toSorted(), [
    "GET /errors",
    "GET /health",
    "GET /livez",
    "GET /nexus.schema.json",
    "GET /openapi.json",
    "GET /readyz",
  ]);
  for (const token of Object.values(TOKENS)) {
    assert.ok(!server.lines.some((line) => line.includes(token)), "a token in the log");
  }
});

test("a token counts as it is, behind the scheme in either case", TIMEOUT, async () => {
  await using server = await guarded();
  const url = `${server.url}/events`;
  const { read } = TOKENS;
  for (const right of [
    `Bearer ${read}`,
    `bearer ${read}`,
    `BEARER   ${read}`,
    ` Bearer ${read} `,
  ]) {
    assert.equal((await ask(url, "GET", right)).status, 200, right);
  }
  for (const wrong of [
    "",
    "Bearer",
    "Bearer x",
    read,
    `Basic ${read}`,
    `Bearer${read}`,
    `Bearer ${read.slice(0, -1)}`,
    `Bearer ${read}f`,
    `Bearer ${read.toUpperCase()}`,
    `Bearer "${read}"`,
    `Bearer read:${read}`,
    `Bearer ${read} ${read}`,
    `Bearer ${read},${TOKENS.admin}`,
    `Bearer ${Buffer.from(tokenHash(read)).toString("hex")}`,
    `Bearer ${"x".repeat(8000)}`,
    "Bearer ÿþý",
  ]) {
    const { status, code } = await ask(url, "GET", wrong);
    assert.deepEqual([status, code], [401, "UNAUTHORIZED"], wrong);
  }
});

test("each request of a kept connection is checked by itself", TIMEOUT, async () => {
  await using server = await guarded();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = async (token: string) => {
    const asking = request(`${server.url}/events`, {
      agent,
      headers: { authorization: `Bearer ${token}` },
    }).end();
    const [answer] = await once(asking, "response");
    await text(answer);
    return [answer.statusCode, asking.reusedSocket];
  };
  assert.deepEqual(await get(TOKENS.read), [200, false]);
  assert.deepEqual(await get("wrong"), [401, true]);
  assert.deepEqual(await get(TOKENS.publish), [403, true]);
  assert.deepEqual(await get(TOKENS.read), [200, true]);
  agent.destroy();
});

test("a request without a token is refused before its body has come", TIMEOUT, async () => {
  await using server = await guarded();
  const socket = connect(server.running.port, "127.0.0.1");
  socket.write("POST /events/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n{");
  const answer = await text(socket); // to the end of the connection
  assert.match(answer, /^HTTP\/1\.1 401 /);
  assert.match(answer, /\r\nconnection: close\r\n/i);
  const { status } = await ask(`${server.url}/metrics`, "GET", `Bearer ${TOKENS.read}`);
  assert.equal(status, 200);
});

test("an HTTP trigger is public unless it says auth: required", TIMEOUT, async () => {
  await using server = await guarded(
    probes(
      { name: "open", on: "{ http: { path: /open } }" },
      { name: "shut", on: "{ http: { path: /shut, auth: required } }" },
    ),
  );
  assert.equal((await ask(`${server.url}/open`, "POST")).status, 202);
  assert.equal((await ask(`${server.url}/open`, "POST", "Basic dTpw")).status, 202);
  assert.equal((await ask(`${server.url}/shut`, "POST")).status, 401);
  assert.equal((await ask(`${server.url}/shut`, "POST", `Bearer ${TOKENS.read}`)).status, 403);
  for (const path of ["/open", "/shut"]) {
    const { status } = await ask(`${server.url}${path}`, "POST", `Bearer ${TOKENS.publish}`);
    assert.equal(status, 202);
  }
  // The functions' own credentials go on to them; the server's tokens do not.
  const kept = await fetch(`${server.url}/events`, {
    headers: { authorization: `Bearer ${TOKENS.read}` },
  });
  const { events } = (await kept.json()) as {
    readonly events: readonly { readonly data: { readonly headers: Record<string, string> } }[];
  };
  assert.deepEqual(
    events.map(({ data }) => data.headers["authorization"]),
    [undefined, undefined, "Basic dTpw", undefined],
  );
});

test(
  "?wait= shows the runs of an earlier event only to a token that reads, and of its own to any",
  TIMEOUT,
  async () => {
    await using server = await guarded(probes({ name: "a", on: "{ event: a }" }));
    const publish = async (token: string, ids: readonly string[], path = "/events?wait=30s") => {
      const answer = await fetch(`${server.url}${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/cloudevents-batch+json",
        },
        body: JSON.stringify(
          ids.map((id) => ({ specversion: "1.0", id, source: "/s", type: "a" })),
        ),
      });
      const { events } = (await answer.json()) as {
        events: readonly { readonly status: string; readonly invocations?: readonly unknown[] }[];
      };
      return [
        answer.status,
        ...events.map(({ status, invocations }) => `${status} ${invocations?.length}`),
      ];
    };
    assert.deepEqual(await publish(TOKENS.publish, ["1"]), [200, "accepted 1"]);
    assert.deepEqual(await publish(TOKENS.publish, ["1"]), [200, "duplicate undefined"]);
    assert.deepEqual(await publish(TOKENS.admin, ["1"]), [200, "duplicate 1"]);
    assert.deepEqual(await publish(TOKENS.publish, ["1", "2", "2"]), [
      200,
      "duplicate undefined",
      "accepted 1",
      "duplicate undefined",
    ]);
  },
);

test("?wait= shows the runs of a duplicate to a token of both scopes", TIMEOUT, async () => {
  const both = tokenHash("both-0123456789abcdef");
  await using server = await testServer(probes({ name: "a", on: "{ event: a }" }), {
    apiTokens: [
      { scope: "publish", sha256: both },
      { scope: "read", sha256: both },
    ],
  });
  const publish = async () => {
    const answer = await fetch(`${server.url}/events/a?wait=30s`, {
      method: "POST",
      headers: { authorization: "Bearer both-0123456789abcdef", "idempotency-key": "1" },
    });
    const { status, invocations } = (await answer.json()) as {
      status: string;
      invocations: readonly unknown[];
    };
    return [status, invocations.length];
  };
  assert.deepEqual(await publish(), ["accepted", 1]);
  assert.deepEqual(await publish(), ["duplicate", 1]);
});

test("GET /metrics takes a token of scope read, and none of scope publish", TIMEOUT, async () => {
  await using server = await guarded();
  const scrape = async (authorization: string) => {
    const answer = await fetch(`${server.url}/metrics`, { headers: { authorization } });
    return [answer.status, answer.headers.get("content-type"), await answer.text()] as const;
  };
  // As Prometheus sends it, of `authorization.credentials_file` and of `bearer_token_file` alike.
  const [status, type, metrics] = await scrape(`Bearer ${TOKENS.read}`);
  assert.equal(status, 200);
  assert.match(type!, /^text\/plain; version=0\.0\.4/);
  assert.match(metrics, /^nexus_build_info\{/m);
  const [refused, , problem] = await scrape(`Bearer ${TOKENS.publish}`);
  assert.equal(refused, 403);
  assert.doesNotMatch(problem, /nexus_build_info/);
});

test("without tokens nothing is asked of a caller, auth: required included", TIMEOUT, async () => {
  await using server = await testServer(
    probes({ name: "shut", on: "{ http: { path: /shut, auth: required } }" }),
  );
  assert.equal((await ask(`${server.url}/shut`, "POST")).status, 202);
  assert.equal((await ask(`${server.url}/events`, "GET")).status, 200);
  assert.equal((await ask(`${server.url}/events`, "GET", "Bearer whatever")).status, 200);
  const headers = { "idempotency-key": "1" };
  for (const status of ["accepted", "duplicate"]) {
    const sent = await fetch(`${server.url}/events/a?wait=30s`, { method: "POST", headers });
    const answer = (await sent.json()) as { status: string; invocations: readonly unknown[] };
    assert.deepEqual([answer.status, answer.invocations], [status, []]);
  }
});

test(
  "answers say nothing of the server's make, are not kept, and open nothing to other origins",
  TIMEOUT,
  async () => {
    await using server = await guarded();
    const origin = { origin: "https://elsewhere.example", authorization: `Bearer ${TOKENS.admin}` };
    for (const [method, path, status] of [
      ["GET", "/events", 200],
      ["POST", "/events/a", 202],
      ["GET", "/nothing", 404],
      ["OPTIONS", "/events", 405],
      ["GET", "/readyz", 200],
    ] as const) {
      const answer = await fetch(`${server.url}${path}`, { method, headers: origin });
      const { headers } = answer;
      await answer.arrayBuffer();
      assert.equal(answer.status, status, path);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.ok(!headers.has("x-powered-by") && !headers.has("server"));
      assert.deepEqual(
        [...headers.keys()].filter((name) => name.startsWith("access-control")),
        [],
      );
    }
  },
);
