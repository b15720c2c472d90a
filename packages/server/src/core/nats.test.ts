import assert from "node:assert/strict";
import { test } from "node:test";
import { natsPrefixFault, natsServerFault, parseNatsServer, showNatsServer } from "./nats.ts";

test("parseNatsServer() takes addresses apart, with scheme and port or without", () => {
  for (const [url, address, tls] of [
    ["nats://127.0.0.1:4222", "127.0.0.1:4222", false],
    ["tls://nats.example.com", "nats.example.com:4222", true],
    ["nats.example.com", "nats.example.com:4222", false],
    ["nats-0:14222", "nats-0:14222", false],
    ["nats://host:80", "host:80", false],
    ["nats://host:21/", "host:21", false],
    ["nats://[::1]:4333", "[::1]:4333", false],
  ] as const) {
    assert.deepEqual(parseNatsServer(url), { address, tls }, url);
  }
});

test("parseNatsServer() finds a user with a password, or a token, percent-encoded", () => {
  assert.deepEqual(parseNatsServer("nats://me:p%40ss%3A@host").secret, {
    kind: "password",
    user: "me",
    password: "p@ss:",
  });
  assert.deepEqual(parseNatsServer("tls://s3cr%2Ft@host:1").secret, {
    kind: "token",
    token: "s3cr/t",
  });
});

test("natsServerFault() names what is no address of a NATS server", () => {
  const rule = /^is not the address of a NATS server \(try "nats:\/\/host:4222"\)$/;
  for (const url of [
    "",
    "nats://",
    "http://host:4222",
    "nats://host:99999",
    "nats://host/path",
    "nats://host?a=b",
    "nats://a b",
    "nats://%zz@host",
  ]) {
    assert.match(natsServerFault(url) ?? "none", rule, url);
  }
  assert.match(natsServerFault("wss://host")!, /^is a WebSocket address/);
  assert.equal(natsServerFault("nats://u:p@host"), undefined);
});

test("showNatsServer() never shows credentials, of a faulty address neither", () => {
  assert.equal(showNatsServer("nats://me:secret@host"), "host:4222");
  assert.equal(showNatsServer("http://me:sec@ret@host"), "http://…@host");
  assert.equal(showNatsServer("me:secret@ho st"), "…@ho st");
});

test("natsPrefixFault() lets through what names subjects and streams", () => {
  for (const prefix of ["nexus", "a", "team_1-x", "0".repeat(32)]) {
    assert.equal(natsPrefixFault(prefix), undefined);
  }
  for (const prefix of ["", "Nexus", "a.b", "a*", ">", "-a", "a b", "ä", "0".repeat(33)]) {
    assert.match(natsPrefixFault(prefix)!, /^is not a prefix/, prefix);
  }
});
