import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { junitXml, type JUnitCase, type JUnitOutcome } from "./junit.ts";

const passed: JUnitCase = {
  name: "order.created evt_1",
  className: "price",
  file: "tests/fixtures/price.nxr",
  durationMs: 12.3,
  outcome: { status: "passed" },
};

test("junitXml() counts, times and tells cases as CI servers read them", () => {
  const xml = junitXml("nexus test", [
    {
      name: "price",
      cases: [
        passed,
        {
          ...passed,
          name: "changed",
          outcome: {
            status: "failed",
            message: "output ~ $.total",
            details: 'output\n- "total": 1 < 2\n+ "total": 2\u001b[31m',
          },
        },
        { ...passed, name: "old", outcome: { status: "skipped", message: "not hermetic" } },
      ],
    },
  ]);
  assert.equal(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nexus test" tests="3" failures="1" errors="0" skipped="1" time="0.037">
  <testsuite name="price" tests="3" failures="1" errors="0" skipped="1" time="0.037">
    <testcase name="order.created evt_1" classname="price" file="tests/fixtures/price.nxr" time="0.012"/>
    <testcase name="changed" classname="price" file="tests/fixtures/price.nxr" time="0.012">
      <failure message="output ~ $.total">output
- &quot;total&quot;: 1 &lt; 2
+ &quot;total&quot;: 2\\u001b[31m</failure>
    </testcase>
    <testcase name="old" classname="price" file="tests/fixtures/price.nxr" time="0.012">
      <skipped message="not hermetic"/>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

test("junitXml() is well-formed whatever its texts hold", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("]]>", "<!--", "</failure>", "&#0;", '"', "\ud800", "\ufffe", "a\u0000b"),
  );
  const outcome: fc.Arbitrary<JUnitOutcome> = fc.oneof(
    fc.constant({ status: "passed" } as const),
    fc.record({ status: fc.constantFrom("failed", "error"), message: text, details: text }),
    fc.record({ status: fc.constant("skipped"), message: text }),
  );
  const one = fc.record({
    name: text,
    className: text,
    file: text,
    durationMs: fc.nat(),
    outcome,
  });
  fc.assert(
    fc.property(text, fc.array(one, { maxLength: 4 }), (name, cases) => {
      const xml = junitXml(name, [{ name, cases }]);
      assert.doesNotMatch(xml, NOT_XML);
      assertBalanced(xml);
      assert.equal(xml.match(/<testcase /g)?.length ?? 0, cases.length);
    }),
  );
});

// What XML 1.0 allows in no document: https://www.w3.org/TR/xml/#charsets
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

const TAG = /<(?:\?xml [^<>?]*\?|(\/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?))>/g;

function assertBalanced(xml: string): void {
  const open: string[] = [];
  for (const [, closes, name, , alone] of xml.matchAll(TAG)) {
    if (name === undefined || alone === "/") continue;
    if (closes === "/") assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  const text = xml.replaceAll(TAG, "");
  assert.doesNotMatch(text, /[<>]/);
  assert.doesNotMatch(text.replaceAll(/&(?:amp|lt|gt|quot|#9|#10);/g, ""), /&/);
}
