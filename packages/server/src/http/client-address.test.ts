import assert from "node:assert/strict";
import { test } from "node:test";
import { readTrustedProxies, type TrustedProxies } from "../core/proxies.ts";
import { addressKey, addressReader } from "./client-address.ts";

function proxies(text: string): TrustedProxies {
  const read = readTrustedProxies(text);
  if (typeof read === "string") throw new Error(`${text} ${read}`);
  return read;
}

test("without trusted proxies a client's address is the connection's, whatever it says", () => {
  const addressOf = addressReader(undefined);
  assert.equal(addressOf("192.0.2.1", "198.51.100.7"), "192.0.2.1");
  assert.equal(addressOf("::ffff:192.0.2.1", undefined), "192.0.2.1");
  assert.equal(addressOf("fe80::1%eth0", undefined), "fe80::1");
  assert.equal(addressOf("", "198.51.100.7"), "");
});

const SAID: readonly [trusted: string, peer: string, said: string | undefined, address: string][] =
  [
    ["1", "10.0.0.1", undefined, "10.0.0.1"],
    ["1", "10.0.0.1", "", "10.0.0.1"],
    ["1", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["1", "10.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"],
    ["2", "10.0.0.1", "203.0.113.9, 192.0.2.1", "203.0.113.9"],
    ["2", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["1", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1"],
    ["1", "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"],
    ["1", "10.0.0.1", "2001:db8::1", "2001:db8::1"],
    ["1", "10.0.0.1", "::FFFF:192.0.2.1", "192.0.2.1"],
    ["1", "10.0.0.1", "unknown", "10.0.0.1"],
    ["2", "10.0.0.1", "203.0.113.9, <script>", "10.0.0.1"],
    ["10.0.0.0/8", "10.0.0.1", "203.0.113.9, 192.0.2.1, 10.2.3.4", "192.0.2.1"],
    ["10.0.0.0/8", "192.0.2.1", "203.0.113.9", "192.0.2.1"],
    ["10.0.0.0/8", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
    ["10.0.0.0/8,fd00::/8", "fd00::1", "192.0.2.1, ::ffff:10.0.0.9", "192.0.2.1"],
    ["10.0.0.7", "10.0.0.8", "192.0.2.1", "10.0.0.8"],
    ["10.0.0.0/8", "", "192.0.2.1", ""],
  ];
for (const [trusted, peer, said, address] of SAID) {
  test(`trusting ${trusted}, the client of ${peer} that says ${said} is ${address}`, () => {
    assert.equal(addressReader(proxies(trusted))(peer, said), address);
  });
}

test("addressKey() is an IPv4 address, and the /64 of an IPv6 one", () => {
  for (const [address, key] of [
    ["192.0.2.1", "192.0.2.1"],
    ["", ""],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:ffff::", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
  ] as const) {
    assert.equal(addressKey(address), key, address);
  }
});

test("readTrustedProxies() says the rule to what is neither a number nor networks", () => {
  for (const text of [
    "",
    "0",
    "11",
    "-1",
    "1.5",
    "10.0.0.0/33",
    "::/129",
    "10.0.0",
    "a/8",
    "1,x",
  ]) {
    const fault = readTrustedProxies(text);
    assert.ok(typeof fault === "string", text);
    assert.match(fault, /^must be the number of proxies/);
  }
});
