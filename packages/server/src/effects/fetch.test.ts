import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { test } from "node:test";
import type { FetchGrant } from "../core/grants.ts";
import { Fetches, type FetchOptions } from "./fetch.ts";
import type { Resolve } from "./http-request.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NEVER = new AbortController().signal;

interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly seen: IncomingMessage[];
}

async function listening(server: Server, seen: IncomingMessage[]): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

function serve(answer: RequestListener): Promise<TestServer> {
  const seen: IncomingMessage[] = [];
  return listening(
    createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    }),
    seen,
  );
}

const GRANT: FetchGrant = {
  allow: [],
  allowPrivate: true,
  timeoutMs: 5_000,
  responseBytes: 10_000,
  requests: 20,
  redirects: 3,
};

function fetches(grant: Partial<FetchGrant>, options: Partial<FetchOptions> = {}): Fetches {
  const all = { ...GRANT, ...grant };
  return new Fetches({ grant: all, idempotencyKey: "key", traceparent: TRACEPARENT, ...options });
}

interface Told {
  readonly errno: number;
  readonly text: string;
}

async function ask(
  to: Fetches,
  request: string,
  { headers = "", body = "", signal = NEVER } = {},
): Promise<Told> {
  const parts = [request, headers, body].map((part) => Buffer.from(part));
  const { errno, payload } = await to.answer({ name: "fetch", parts }, signal);
  return { errno, text: Buffer.from(payload).toString() };
}

const local = ({ port }: TestServer): Partial<FetchGrant> => ({ allow: [`127.0.0.1:${port}`] });
const url = ({ port }: TestServer, path = "/"): string => `http://127.0.0.1:${port}${path}`;

test("fetch sends method, headers and body, and gives status, headers and body", async () => {
  await using server = await serve((request, response) => {
    void Array.fromAsync(request as AsyncIterable<Buffer>).then((parts) => {
      response.writeHead(
        201,
        [
          ["X-Twice", "1"],
          ["X-Twice", "2"],
          ["Connection", "close"],
        ].flat(),
      );
      response.end(`you said ${Buffer.concat(parts).toString()}`);
    });
  });
  const answer = await ask(fetches(local(server)), `post ${url(server, "/a?b=c")}`, {
    headers: "Content-Type: text/plain\nx-many: 1\nx-many: 2\n__proto__: a\nx-word: Grüße\n",
    body: "hello",
  });
  assert.equal(answer.errno, 0);
  const [head, body] = answer.text.split("\n\n");
  assert.equal(body, "you said hello");
  assert.match(head!, /^201\nx-twice: 1\nx-twice: 2\n/);
  assert.doesNotMatch(head!, /connection:/);
  const [request] = server.seen;
  assert.equal(`${request!.method} ${request!.url}`, "POST /a?b=c");
  const { headers } = request!;
  assert.equal(headers["content-type"], "text/plain");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers["x-many"], "1, 2");
  assert.ok(request!.rawHeaders.includes("__proto__"));
  assert.equal(Buffer.from(headers["x-word"] as string, "latin1").toString(), "Grüße");
  assert.equal(headers["accept-encoding"], "identity");
  assert.equal(headers.traceparent, TRACEPARENT);
  assert.equal(headers["idempotency-key"], "key-1");
});

test("fetch gives each request of a run a key of its own, and keeps one that the function gave", async () => {
  await using server = await serve((_, response) => response.end());
  const run = fetches(local(server));
  await ask(run, `GET ${url(server)}`);
  await ask(run, `GET ${url(server)}`, { headers: "Idempotency-Key: mine" });
  await ask(run, `GET ${url(server)}`);
  const keys = server.seen.map(({ headers }) => headers["idempotency-key"]);
  assert.deepEqual(keys, ["key-1", "mine", "key-3"]);
});

test("fetch gives an answer of any status, and one without a body", async () => {
  await using server = await serve((request, response) => {
    response.statusCode = Number(request.url!.slice(1));
    response.end();
  });
  for (const status of [204, 304, 404, 500]) {
    const answer = await ask(fetches(local(server)), `GET ${url(server, `/${status}`)}`);
    assert.equal(answer.errno, 0);
    assert.match(answer.text, new RegExp(`^${status}\n[^]*\n\n$`));
  }
});

test("fetch asks only hosts and ports that are allowed", async () => {
  await using server = await serve((_, response) => response.end());
  const resolve: Resolve = (_, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);
  const { port } = server;
  const errnoOf = async (allow: readonly string[], target: string) =>
    (await ask(fetches({ allow }, { resolve }), `GET ${target}`)).errno;
  const api = `http://api.example.com:${port}/`;
  assert.equal(await errnoOf([`api.example.com:${port}`], api), 0);
  assert.equal(await errnoOf([`API.Example.Com:${port}`], api), 0);
  assert.equal(await errnoOf([`*.example.com:${port}`], api), 0);
  assert.equal(await errnoOf([`*.example.com:${port}`], `http://a.b.EXAMPLE.com:${port}/`), 0);
  assert.equal(await errnoOf([`*:${port}`], api), 0);
  assert.equal(await errnoOf([`[::1]:${port}`, `*:${port}`], api), 0);
  assert.equal(server.seen.length, 6);
  for (const allow of [
    [],
    ["api.example.com"],
    [`api.example.com:1`],
    [`example.com:${port}`],
    [`*.api.example.com:${port}`],
    [`pi.example.com:${port}`],
    ["*"],
  ]) {
    assert.equal(await errnoOf(allow, api), 2, JSON.stringify(allow));
  }
  assert.equal(await errnoOf([`*.example.com:${port}`], `http://example.com:${port}/`), 2);
  assert.equal(await errnoOf([`*.example.com:${port}`], `http://evilexample.com:${port}/`), 2);
  assert.equal(server.seen.length, 6);
});

test("fetch goes to no address of this machine or a private network, however it is written", async () => {
  await using server = await serve((_, response) => response.end());
  const { port } = server;
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "172.31.0.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "localhost",
  ]) {
    const run = fetches({ allow: [`*:${port}`], allowPrivate: undefined! });
    const answer = await ask(run, `GET http://${host}:${port}/`);
    assert.equal(answer.errno, 2, host);
    assert.match(answer.text, /leads to this machine or a private network/, host);
  }
  assert.equal(server.seen.length, 0);
});

test("fetch decides on the address it connects to, and not on the one a name had before", async () => {
  await using server = await serve((_, response) => response.end());
  let asked = 0;
  const resolve: Resolve = (_, done) => {
    asked += 1;
    done(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
      { address: "10.1.2.3", family: 4 },
    ]);
  };
  const grant = { allow: [`rebound.example.com:${server.port}`], allowPrivate: undefined! };
  const target = `GET http://rebound.example.com:${server.port}/`;
  assert.equal((await ask(fetches(grant, { resolve }), target)).errno, 2);
  assert.equal(asked, 1);
  assert.equal(server.seen.length, 0);
});

test("fetch of a name that nobody knows, or of a port where nobody listens, says so", async () => {
  const resolve: Resolve = (_, done) =>
    done(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }), []);
  const unknown = fetches({ allow: ["*"] }, { resolve });
  assert.equal((await ask(unknown, "GET http://nobody.invalid/")).errno, 23);
  const closed = await serve((_, response) => response.end());
  await closed[Symbol.asyncDispose]();
  assert.equal((await ask(fetches(local(closed)), `GET ${url(closed)}`)).errno, 14);
});

test("fetch follows redirects as often as allowed, each checked like the first request", async () => {
  await using other = await serve((_, response) => response.end("secret"));
  await using server = await serve((request, response) => {
    const target = decodeURIComponent(request.url!.slice(1));
    if (target === "done") response.end("done");
    else response.writeHead(302, { location: target }).end("moved");
  });
  const chain = (n: number): string =>
    Array.from({ length: n }).reduce<string>((to) => `/${encodeURIComponent(to)}`, "/done");
  const run = fetches(local(server));
  assert.match((await ask(run, `GET ${url(server, chain(3))}`)).text, /\n\ndone$/);
  const many = await ask(run, `GET ${url(server, chain(4))}`);
  assert.equal(many.errno, 32);
  const elsewhere = await ask(run, `GET ${url(server, `/${encodeURIComponent(url(other))}`)}`);
  assert.deepEqual(elsewhere, {
    errno: 2,
    text: `a redirect leads to "127.0.0.1:${other.port}", which is not in \`fetch.allow\``,
  });
  assert.equal(other.seen.length, 0);
  const none = await ask(
    fetches({ ...local(server), redirects: 0 }),
    `GET ${url(server, "/%2Fx")}`,
  );
  assert.match(none.text, /^302\n[^]*location: \/x\n[^]*\n\nmoved$/);
  for (const target of ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/"]) {
    const answer = await ask(run, `GET ${url(server, `/${encodeURIComponent(target)}`)}`);
    assert.equal(answer.errno, 2, target);
  }
});

test("fetch refuses a redirect from the open internet into a private network", async () => {
  await using server = await serve((_, response) => {
    response.writeHead(307, { location: `http://inside.example.com:${server.port}/` }).end();
  });
  const resolve: Resolve = (name, done) =>
    done(null, [{ address: name.startsWith("api") ? "127.0.0.1" : "127.0.0.2", family: 4 }]);
  const run = fetches(
    { allow: [`*.example.com:${server.port}`], allowPrivate: undefined! },
    // The first address is taken for one of the internet: only the far end is made up.
    { resolve, isPublic: (address) => address === "127.0.0.1" },
  );
  const answer = await ask(run, `GET http://api.example.com:${server.port}/`);
  assert.equal(answer.errno, 2);
  assert.match(answer.text, /^"inside\.example\.com" leads to this machine/);
  assert.equal(server.seen.length, 1);
});

test("fetch shows what lets somebody in to no other origin, and makes a GET of a redirected POST", async () => {
  await using other = await serve((_, response) => response.end("ok"));
  await using server = await serve((request, response) => {
    if (request.url === "/303") response.writeHead(303, { location: "/same" }).end();
    else if (request.url === "/308") response.writeHead(308, { location: url(other) }).end();
    else response.end("ok");
  });
  const run = fetches({ allow: [`127.0.0.1:${server.port}`, `127.0.0.1:${other.port}`] });
  const headers = "Authorization: Bearer x\nCookie: a=b\ncontent-type: text/plain\nx-other: y";
  await ask(run, `POST ${url(server, "/303")}`, { headers, body: "hello" });
  await ask(run, `POST ${url(server, "/308")}`, { headers, body: "hello" });
  const same = server.seen[1]!;
  assert.equal(same.method, "GET");
  assert.equal(same.headers.authorization, "Bearer x");
  assert.equal(same.headers["content-type"], undefined);
  const there = other.seen[0]!;
  assert.equal(there.method, "POST");
  assert.equal(there.headers.authorization, undefined);
  assert.equal(there.headers.cookie, undefined);
  assert.equal(there.headers["x-other"], "y");
  assert.equal(there.headers["content-length"], "5");
});

test("fetch ends an answer that is too large, whether it says so or not, and one that never ends", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/exact") response.end("x".repeat(10_000));
    else if (request.url === "/long") response.end("x".repeat(10_001));
    else {
      const go = (): void => {
        if (!response.destroyed) response.write("x".repeat(1_000), () => setImmediate(go));
      };
      go();
    }
  });
  const run = fetches(local(server));
  assert.equal((await ask(run, `GET ${url(server, "/exact")}`)).errno, 0);
  assert.equal((await ask(run, `GET ${url(server, "/long")}`)).errno, 35);
  assert.equal((await ask(run, `GET ${url(server, "/endless")}`)).errno, 35);
});

test("fetch ends at its time, wherever the server hangs, and with the run", async () => {
  await using silent = await listening(createTcpServer(), []);
  await using slow = await serve((_, response) => void response.write("begun"));
  for (const server of [silent, slow]) {
    const run = fetches({ ...local(server), timeoutMs: 50 });
    const answer = await ask(run, `GET ${url(server)}`);
    assert.equal(answer.errno, 73);
    assert.match(answer.text, /longer than its 50 ms/);
    const stop = new AbortController();
    const waiting = ask(fetches(local(server)), `GET ${url(server)}`, { signal: stop.signal });
    stop.abort();
    assert.equal((await waiting).errno, 11);
  }
});

test("fetch says io where what comes is no HTTP, or breaks off", async () => {
  const garbage = createTcpServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n\r\n"));
  await using noHttp = await listening(garbage, []);
  await using broken = await serve((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  assert.equal((await ask(fetches(local(noHttp)), `GET ${url(noHttp)}`)).errno, 29);
  assert.equal((await ask(fetches(local(broken)), `GET ${url(broken)}`)).errno, 15);
});

test("fetch makes as many requests in one run as it may", async () => {
  await using server = await serve((_, response) => response.end());
  const run = fetches({ ...local(server), requests: 2 });
  const errnos = [];
  for (let n = 0; n < 3; n += 1) errnos.push((await ask(run, `GET ${url(server)}`)).errno);
  assert.deepEqual(errnos, [0, 0, 19]);
  assert.equal(server.seen.length, 2);
});

test("fetch refuses heads that are none, and headers that are the platform's", async () => {
  const run = fetches({ allow: ["*"] });
  for (const request of [
    "",
    "GET",
    "GET nowhere",
    "GET http://",
    "GET http://example.com/ HTTP/1.1",
    "GET\thttp://example.com/",
    "CONNECT http://example.com/",
    "GET file:///etc/passwd",
    "GET http://user@example.com/",
  ]) {
    assert.equal((await ask(run, request)).errno, 28, request);
  }
  for (const headers of [
    "Host: other",
    "Content-Length: 1",
    "Transfer-Encoding: chunked",
    "connection: upgrade",
    "Upgrade: websocket",
    "proxy-authorization: x",
    "traceparent: x",
    "no colon",
    ": no name",
    "a b: c",
    "a: b\rc: d",
    "a: b\u0000",
  ]) {
    const answer = await ask(run, "GET http://example.com/", { headers });
    assert.equal(answer.errno, 28, headers);
  }
});
