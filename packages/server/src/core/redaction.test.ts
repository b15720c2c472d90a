import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStructured } from "./cloudevents.ts";
import { eventValue } from "./event.ts";
import { redact, redactPathFault } from "./redaction.ts";

function event(data: string, more = "") {
  const json = `{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-01-01T00:00:00Z"${more},"data":${data}}`;
  return parseStructured(Buffer.from(json), new Date(0));
}

const redacted = (data: string, paths: readonly string[], output = "") => {
  const changed = redact({ event: event(data), output }, paths);
  return { ...changed, data: eventValue(changed.event)["data"] };
};

test("redact() replaces what is at a path by something of the same type, equal texts by equal ones", () => {
  const data = JSON.stringify({
    card: { number: "4111", cvc: 123, valid: true, note: null, tags: ["a", "4111", { b: "c" }] },
    kept: "4111",
  });
  const { data: changed, paths } = redacted(data, ["data.card", "data.missing"]);
  assert.deepEqual(changed, {
    card: {
      number: "redacted-1",
      cvc: 0,
      valid: false,
      note: null,
      tags: ["redacted-2", "redacted-1", { b: "redacted-3" }],
    },
    kept: "4111",
  });
  assert.deepEqual(paths, ["data.card"]);
});

test("redact() takes every item, one item, and every member", () => {
  const data = '{"items":[{"s":"a","k":1},{"s":"b"},{"s":"c"}],"h":{"x":{"t":"d"},"y":{"t":"e"}}}';
  assert.deepEqual(redacted(data, ["data.items[*].s"]).data, {
    items: [{ s: "redacted-1", k: 1 }, { s: "redacted-2" }, { s: "redacted-3" }],
    h: { x: { t: "d" }, y: { t: "e" } },
  });
  const some = redacted(data, ["data.items[1].s", "data.h.*.t"]).data as Record<string, unknown>;
  assert.deepEqual(some["items"], [{ s: "a", k: 1 }, { s: "redacted-1" }, { s: "c" }]);
  assert.deepEqual(some["h"], { x: { t: "redacted-2" }, y: { t: "redacted-3" } });
});

test("redact() replaces in output that is JSON what a path names, and whole texts of the event", () => {
  const output = '{"echo":"4111","in":"card 4111","token":"t","n":5}';
  const changed = redacted('{"card":"4111"}', ["data.card", "output.token"], output);
  assert.deepEqual(JSON.parse(changed.output), {
    echo: "redacted-1",
    in: "card 4111",
    token: "redacted-2",
    n: 5,
  });
  assert.deepEqual(changed.paths, ["data.card", "output.token"]);
  assert.equal(redacted('{"card":"4111"}', ["data.card"], "card 4111").output, "card 4111");
  const spaced = '{ "a" : 1.0 }';
  assert.equal(redacted('{"card":"4111"}', ["data.card"], spaced).output, spaced);
});

test("redact() leaves everything else as it was, numbers that no double holds too", () => {
  const data =
    '{"big":12345678901234567890,"one":1.0,"__proto__":{"a":-0},"s":"x","n":9007199254740993}';
  const { event: changed } = redact({ event: event(data), output: "" }, ["data.s"]);
  const json = Buffer.from(changed.json).toString();
  assert.ok(json.includes(data.replace('"x"', '"redacted-1"')), json);
  const { event: number } = redact({ event: event(data), output: "" }, ["data.big"]);
  assert.equal((eventValue(number)["data"] as { big: number }).big, 0);
});

test("redact() leaves the bytes of an event alone in which it replaced nothing", () => {
  const given = event('{ "a" : 1.0 }');
  const changed = redact({ event: given, output: '{"t":"x"}' }, ["data.none", "output.t"]);
  assert.equal(changed.event, given);
  assert.deepEqual(changed.paths, ["output.t"]);
});

test("redact() replaces a subject, an extension and binary data, and the event is still one", () => {
  const json =
    '{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","subject":"Ada","tenant":"acme","data_base64":"AAEC"}';
  const given = parseStructured(Buffer.from(json), new Date(0));
  const { event: changed } = redact({ event: given, output: "" }, [
    "subject",
    "tenant",
    "data_base64",
  ]);
  assert.equal(changed.subject, "redacted-1");
  assert.deepEqual(changed.extensions, { tenant: "redacted-2" });
  assert.equal(
    Buffer.from(String(eventValue(changed)["data_base64"]), "base64").toString(),
    "redacted-3",
  );
});

test("redact() lets no text through that it was to replace, wherever it was", async () => {
  const secret = "s3cr3t-4111-1111";
  const leaf = fc.oneof(
    fc.constant(secret),
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 5 }), tie("tree"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const changed = redact(
        { event: event(JSON.stringify({ all: value })), output: JSON.stringify([secret, value]) },
        ["data.all", "output[*]"],
      );
      assert.ok(!Buffer.from(changed.event.json).includes(secret));
      assert.ok(!changed.output.includes(secret));
    }),
  );
});

test("redactPathFault() takes paths into event and output, and not what tells the event apart", () => {
  const good = [
    "data",
    "data.a.b",
    "data.items[*].secret",
    "data.a[0][*]",
    "data.*.b",
    "subject",
    "output.x",
  ];
  for (const path of good) assert.equal(redactPathFault(path), undefined, path);
  for (const path of ["", ".", "data.", "data..a", "data[x]", "data[", "a b", "[*]", "data[*]a"]) {
    assert.match(redactPathFault(path)!, /^is not a path/, path);
  }
  for (const path of ["id", "source", "type", "time.x"]) {
    assert.match(redactPathFault(path)!, /^tells what the event is/, path);
  }
});
