// The limits of the HTTP door, over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { tokenHash, type Scope } from "../core/api-token.ts";
import { readTrustedProxies } from "../core/proxies.ts";
import { probes, testServer, type TestServer } from "../testing/server.ts";
import { readConfig, type ConfigOverrides, type Environment } from "../config.ts";

const TIMEOUT = { timeout: 60_000 };

const TOKENS = {
  read: "read-0123456789abcdef",
  publish: "publish-0123456789abcdef",
  admin: "admin-0123456789abcdef",
} as const satisfies Record<Scope, string>;

const GUARDED: ConfigOverrides = {
  apiTokens: (["read", "publish", "admin"] as const).map((scope) => ({
    scope,
    sha256: tokenHash(TOKENS[scope]),
  })),
};

function limited(limits: string, overrides: ConfigOverrides = {}): Promise<TestServer> {
  return testServer(`version: v1\nrate_limit: ${limits}\nfunctions: []\n`, overrides);
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string;
  /** Of this machine; all of 127.0.0.0/8 is. */
  readonly from?: string;
  readonly forwardedFor?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly code: string | undefined;
}

async function ask(server: TestServer, how: Ask = {}): Promise<Answer> {
  const { method = "GET", path = "/events", token, from = "127.0.0.1", forwardedFor } = how;
  const asking = request(`${server.url}${path}`, {
    method,
    localAddress: from,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor }),
    },
  }).end();
  const [answer] = await once(asking, "response");
  const { statusCode: status, headers } = answer;
  const body = await text(answer);
  const isProblem = headers["content-type"] === "application/problem+json";
  return {
    status,
    headers,
    code: isProblem ? (JSON.parse(body) as { code: string }).code : undefined,
  };
}

/** Far above every limit here: a limit that does not hold must not make a test that does not end. */
const MOST = 1000;

/** Asks until it is refused; how many were not. */
async function askUntilLimited(server: TestServer, how: Ask = {}): Promise<[number, Answer]> {
  for (let answered = 0; answered < MOST; answered += 1) {
    const answer = await ask(server, how);
    if (answer.status === 429) return [answered, answer];
  }
  throw new Error(`${MOST} requests were not limited`);
}

async function limitedCount(server: TestServer, limit: string, token?: string): Promise<number> {
  const { body } = await fetch(`${server.url}/metrics`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const line = new RegExp(`^nexus_http_requests_limited_total\\{limit="${limit}"\\} (\\d+)$`, "m");
  return Number(line.exec(await text(body!))?.[1]);
}

test(
  "requests over the limit are answered with 429, when to come again, and how one stands",
  TIMEOUT,
  async () => {
    await using server = await limited("{ requests: 1, burst: 20 }");
    const first = await ask(server);
    assert.equal(first.status, 200);
    assert.equal(first.headers["ratelimit-policy"], '"requests";q=20;w=20');
    assert.equal(first.headers["ratelimit"], '"requests";r=19;t=1');
    const [answered, { status, headers, code }] = await askUntilLimited(server);
    assert.ok(answered >= 19, `${answered}`);
    assert.deepEqual([status, code], [429, "RATE_LIMITED"]);
    assert.equal(headers["retry-after"], "1");
    assert.equal(headers["ratelimit-policy"], '"requests";q=20;w=20');
    assert.match(String(headers["ratelimit"]), /^"requests";r=0;t=(19|20)$/);
    assert.equal(headers["content-type"], "application/problem+json");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(await limitedCount(server, "requests"), 1);
    const requests = await text((await fetch(`${server.url}/metrics`)).body!);
    assert.match(
      requests,
      /nexus_http_requests_total\{route="\(none\)",method="GET",status="4xx"\} 1/,
    );
  },
);

test("many requests at once get no more answers than the limit has", TIMEOUT, async () => {
  await using server = await limited("{ requests: 1, burst: 5 }");
  const begun = performance.now();
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(server)));
  const most = 5 + Math.ceil((performance.now() - begun) / 1000);
  const good = answers.filter(({ status }) => status === 200).length;
  assert.ok(good >= 5 && good <= most, `${good} of ${most}`);
  const refused = answers.filter(({ status }) => status === 429).length;
  assert.equal(good + refused, 100);
  assert.equal(await limitedCount(server, "requests"), refused);
});

test("probes and metrics are answered, however much their client has asked", TIMEOUT, async () => {
  await using server = await limited("{ requests: 1, burst: 1 }");
  await askUntilLimited(server);
  for (const path of ["/livez", "/readyz", "/health", "/metrics"]) {
    for (let round = 0; round < 20; round += 1) {
      const { status, headers } = await ask(server, { path });
      assert.equal(status, 200, path);
      assert.equal(headers["ratelimit"], undefined);
    }
  }
});

test("what leads nowhere counts too, and so does what has no token", TIMEOUT, async () => {
  await using server = await limited("{ requests: 1, burst: 3 }", GUARDED);
  const [nowhere] = await askUntilLimited(server, { path: "/nothing" });
  assert.ok(nowhere >= 3);
  const [bare] = await askUntilLimited(server, { from: "127.0.0.2" });
  assert.ok(bare >= 3);
});

test(
  "each token is a client, wherever it comes from; without one each address is",
  TIMEOUT,
  async () => {
    await using server = await limited("{ requests: 1, burst: 10, wrong_tokens: 0 }", GUARDED);
    await askUntilLimited(server, { token: TOKENS.read });
    assert.equal((await ask(server, { token: TOKENS.admin })).status, 200);
    await askUntilLimited(server, { token: TOKENS.read, from: "127.0.0.2" });
    await askUntilLimited(server, { path: "/errors" });
    assert.equal((await ask(server, { path: "/errors", from: "127.0.0.2" })).status, 200);
    // A token that is none is no client: it takes from what its address has.
    await askUntilLimited(server, { path: "/errors", token: "wrong" });
    assert.equal((await ask(server, { path: "/errors", token: TOKENS.admin })).status, 200);
  },
);

test(
  "what a client says of its address counts only behind proxies that are trusted",
  TIMEOUT,
  async () => {
    const limits = "{ requests: 1, burst: 10 }";
    {
      await using open = await limited(limits);
      let answered = 0;
      for (; answered < 255; answered += 1) {
        if ((await ask(open, { forwardedFor: `192.0.2.${answered}` })).status === 429) break;
      }
      assert.ok(answered >= 10 && answered < 255, `${answered}`);
    }
    const trustedProxies = readTrustedProxies("127.0.0.9");
    assert.ok(typeof trustedProxies !== "string");
    await using server = await limited(limits, { trustedProxies });
    const proxy = "127.0.0.9";
    for (let client = 0; client < 50; client += 1) {
      const { status } = await ask(server, { from: proxy, forwardedFor: `192.0.2.${client}` });
      assert.equal(status, 200);
    }
    await askUntilLimited(server, { from: proxy, forwardedFor: "203.0.113.1, 192.0.2.1" });
    const { status } = await ask(server, { from: proxy, forwardedFor: "203.0.113.1, 192.0.2.2" });
    assert.equal(status, 200);
    await askUntilLimited(server, { from: "127.0.0.1", forwardedFor: "192.0.2.77" });
    assert.equal((await ask(server, { from: proxy, forwardedFor: "192.0.2.77" })).status, 200);
  },
);

test(
  "an address that sends wrong tokens is refused, and a right guess of its with them",
  TIMEOUT,
  async () => {
    await using server = await limited("{ wrong_tokens: 5 }", GUARDED);
    const known = { token: TOKENS.publish, path: "/events/a", method: "POST" };
    assert.equal((await ask(server, known)).status, 202);
    for (let guess = 0; guess < 5; guess += 1) {
      const { status } = await ask(server, { token: `wrong-${guess}-0123456789` });
      assert.equal(status, 401);
    }
    const [, { code, headers }] = await askUntilLimited(server, { token: "wrong" });
    assert.equal(code, "RATE_LIMITED");
    const retryAfter = Number(headers["retry-after"]);
    assert.ok(retryAfter >= 1 && retryAfter <= 12, `${retryAfter}`); // one a 12 s
    assert.equal(headers["ratelimit"], undefined);
    assert.equal((await ask(server, { token: TOKENS.admin })).code, "RATE_LIMITED");
    assert.equal((await ask(server, known)).status, 202, "a token known from there goes on");
    assert.equal((await ask(server)).status, 401, "no token is no guess");
    assert.equal((await ask(server, { path: "/readyz" })).status, 200);
    assert.equal((await ask(server, { path: "/errors", token: "wrong" })).status, 200);
    const elsewhere = { token: TOKENS.admin, from: "127.0.0.2" };
    assert.equal((await ask(server, elsewhere)).status, 200);
    await askUntilLimited(server, { token: "wrong", path: "/metrics" });
    assert.equal((await ask(server, { token: TOKENS.read, path: "/metrics" })).status, 429);
  },
);

test("refusals are counted by the limit that refused", TIMEOUT, async () => {
  await using server = await limited("{ wrong_tokens: 1 }", GUARDED);
  assert.equal(await limitedCount(server, "requests", TOKENS.read), 0);
  assert.equal(await limitedCount(server, "wrong_tokens", TOKENS.read), 0);
  const from = "127.0.0.2";
  assert.equal((await ask(server, { token: "wrong", from })).status, 401);
  await askUntilLimited(server, { token: "wrong", from });
  assert.equal(await limitedCount(server, "wrong_tokens", TOKENS.read), 1);
});

test(
  "limits are as the file has them after a reload, and NEXUS_RATE_LIMIT wins over it",
  TIMEOUT,
  async () => {
    await using server = await limited("{ wrong_tokens: 0 }", GUARDED);
    for (let guess = 0; guess < 100; guess += 1) {
      const { status, headers } = await ask(server, { token: "wrong" });
      assert.equal(status, 401);
      assert.equal(headers["ratelimit"], undefined);
    }
    const file = "version: v1\nrate_limit: { requests: 1, burst: 3 }\nfunctions: []\n";
    await writeFile(server.configFile, file);
    assert.equal((await server.running.reload()).ok, true);
    await askUntilLimited(server, { token: TOKENS.read });

    await using told = await limited("{ requests: 1, burst: 3 }", { rateLimit: 5 });
    const { headers } = await ask(told);
    assert.equal(headers["ratelimit-policy"], '"requests";q=10;w=2');
  },
);

test("a request that is refused makes no event", TIMEOUT, async () => {
  const triggers = probes({ name: "open", on: "{ http: { path: /open, respond: true } }" });
  await using server = await testServer(
    triggers.replace("functions:", "rate_limit: { requests: 1, burst: 4 }\nfunctions:"),
  );
  const [answered] = await askUntilLimited(server, { method: "POST", path: "/open" });
  // From an address of its own: this one has asked enough.
  const asking = request(`${server.url}/events`, { localAddress: "127.0.0.2" }).end();
  const [answer] = await once(asking, "response");
  const { events } = JSON.parse(await text(answer)) as { events: readonly unknown[] };
  assert.equal(events.length, answered);
});

test("NEXUS_RATE_LIMIT and NEXUS_TRUSTED_PROXIES are read, and what is wrong with them is said", () => {
  const read = (env: Environment) => readConfig(env, {}, () => false);
  const { rateLimit, trustedProxies } = read({
    NEXUS_RATE_LIMIT: "50",
    NEXUS_TRUSTED_PROXIES: "10.0.0.0/8, ::1",
  });
  assert.equal(rateLimit, 50);
  assert.deepEqual(trustedProxies, [
    { address: "10.0.0.0", prefix: 8, family: "ipv4" },
    { address: "::1", prefix: 128, family: "ipv6" },
  ]);
  assert.equal(read({ NEXUS_TRUSTED_PROXIES: "2" }).trustedProxies, 2);
  assert.equal(read({ NEXUS_RATE_LIMIT: "", NEXUS_TRUSTED_PROXIES: "" }).rateLimit, undefined);
  assert.throws(() => read({ NEXUS_RATE_LIMIT: "0" }), {
    code: "CONFIG_INVALID",
    message:
      'Cannot read environment: NEXUS_RATE_LIMIT="0" must be a whole number from 1 to 1000000',
  });
  assert.throws(() => read({ NEXUS_TRUSTED_PROXIES: "10.0.0.0/8,proxy" }), {
    code: "CONFIG_INVALID",
    message:
      /^Cannot read environment: NEXUS_TRUSTED_PROXIES="10\.0\.0\.0\/8,proxy" must be the number/,
  });
});
