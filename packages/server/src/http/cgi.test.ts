import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NexusError } from "../core/errors.ts";
import { replyOf } from "./cgi.ts";

function reply(output: string) {
  const { status, headers, body } = replyOf(Buffer.from(output));
  return { status, headers, body: Buffer.from((body ?? "") as Uint8Array).toString() };
}

test("replyOf() takes output that is no CGI response as the body, and says what it is", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["", undefined],
    ["hello", "text/plain; charset=utf-8"],
    ['{"a":1}', "application/json"],
    [" [1]\n", "application/json"],
    ["{not json", "text/plain; charset=utf-8"],
    ["1", "text/plain; charset=utf-8"],
    ["Status: all good", "text/plain; charset=utf-8"],
    ["Status: ok\nand more\n\nhere", "text/plain; charset=utf-8"],
    ["X-First: 1\nContent-Type: a/b\n\nx", "text/plain; charset=utf-8"],
    ["\nContent-Type: a/b\n\nx", "text/plain; charset=utf-8"],
  ];
  for (const [output, type] of cases) {
    assert.deepEqual(reply(output), {
      status: output === "" ? 204 : 200,
      headers: type === undefined ? {} : { "content-type": type },
      body: output,
    });
  }
  assert.deepEqual(replyOf(Uint8Array.of(255)).headers, {
    "content-type": "application/octet-stream",
  });
});

test("replyOf() takes a CGI response, with LF or CRLF", () => {
  for (const eol of ["\n", "\r\n"]) {
    const lines = ["Status: 201 Made", "content-type:  a/b ", "X-A: 1", "X-A: 2", "", "body\n\nx"];
    assert.deepEqual(reply(lines.join(eol)), {
      status: 201,
      headers: { "content-type": "a/b", "x-a": "1, 2" },
      body: `body${eol}${eol}x`.replaceAll("body\n\nx", "body\n\nx").replace("\r\n\r\nx", "\n\nx"),
    });
  }
});

test("replyOf() makes a redirect of a Location alone, and keeps cookies apart", () => {
  assert.deepEqual(reply("Location: /x\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n"), {
    status: 302,
    headers: { location: "/x", "set-cookie": ["a=1", "b=2"] },
    body: "",
  });
  assert.equal(reply("Location: /x\nStatus: 301\n\n").status, 301);
  assert.equal(reply("Status: 204\n\nnot sent").body, "");
});

test("replyOf() drops what is the connection's or the server's", () => {
  const dropped = [
    "Connection: close",
    "Transfer-Encoding: chunked",
    "Content-Length: 99999",
    "Keep-Alive: 1",
    "Upgrade: x",
    "Trailer: a",
    "Proxy-Authenticate: x",
    "traceparent: x",
    "Nexus-Invocation-Id: forged",
  ];
  assert.deepEqual(reply(`Content-Type: a/b\n${dropped.join("\n")}\n\nx`).headers, {
    "content-type": "a/b",
  });
});

test("replyOf() refuses a status or a header that HTTP does not have", () => {
  for (const block of [
    "Status: 99",
    "Status: 101 Switching",
    "Status: 600",
    "Status: ok",
    "Status: 200\nStatus: 200",
    "Content-Type: a\rX-Injected: 1",
    "Content-Type: a\u0000b",
    "Location: \u007f",
  ]) {
    assert.throws(
      () => reply(`${block}\n\nx`),
      (error) => error instanceof NexusError && error.code === "FUNCTION_OUTPUT_INVALID",
      block,
    );
  }
});

test("replyOf() never gives a header that could split the answer", () => {
  const line = fc.oneof(
    fc.constantFrom("Status: 200", "Content-Type: a/b", "Location: /", "X: \r\n y", "__proto__: x"),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(line), fc.uint8Array(), (lines, tail) => {
      try {
        const { status, headers } = replyOf(
          Buffer.concat([Buffer.from(`${lines.join("\n")}\n\n`, "latin1"), tail]),
        );
        assert.ok(status >= 200 && status <= 599);
        for (const [name, value] of Object.entries(headers)) {
          assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
          assert.doesNotMatch([value].flat().join(""), /[\r\n\0]/);
        }
      } catch (error) {
        assert.ok(error instanceof NexusError, String(error));
      }
    }),
  );
});
