import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { ReportBuilder } from "@nexus-functions/server/replay/report-builder";
import { anyPairs } from "@nexus-functions/server/replay/testing/pairs";
import { reportHtml } from "./html.ts";
import { HOSTILE, hostileReport } from "./testing/hostile.ts";
import { HEADING, realisticReport } from "./testing/realistic.ts";

test("reportHtml() is a page of known elements, each closed, whatever functions wrote", () => {
  assertWellFormed(reportHtml(hostileReport(), { title: HOSTILE, facts: [[HOSTILE, HOSTILE]] }));
  assertWellFormed(reportHtml(realisticReport(), HEADING));
  fc.assert(
    fc.property(anyPairs, (pairs) => {
      const builder = new ReportBuilder();
      for (const one of pairs) builder.add(one);
      assertWellFormed(reportHtml(builder.report(), HEADING));
    }),
    { numRuns: 30 },
  );
});

test("reportHtml() fetches nothing and runs nothing, and its policy forbids both", () => {
  const page = reportHtml(hostileReport(), HEADING);
  const tags = [...page.replace(/<style>[^]*<\/style>/, "").matchAll(TAG)]
    .map(([tag]) => tag)
    .join("\n");
  assert.doesNotMatch(tags, /\s(?:src|href|srcset|style|on\w+|action|data)="/);
  const style = /<style>([^]*?)<\/style>/.exec(page)![1]!;
  assert.doesNotMatch(style, /url\(|@import|https?:/);
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
  assert.equal(
    policy,
    `default-src 'none'; style-src 'sha256-${hash("sha256", style, "base64")}'; base-uri 'none'; form-action 'none'`.replaceAll(
      "'",
      "&#39;",
    ),
  );
});

test("reportHtml() shows what steers a terminal or turns the reading direction instead of obeying it", () => {
  const page = reportHtml(hostileReport(), HEADING);
  assert.match(page, /\\u001b\[2J/);
  assert.doesNotMatch(page, /(?!\n)[\p{Cc}\u2028\u202a-\u202e\u2066-\u2069]/u);
  assert.equal(page, page.toWellFormed());
});

test("reportHtml() has every group and example, its headings in order, and a name for each table", () => {
  const report = realisticReport();
  const page = reportHtml(report, HEADING);
  for (const { id, examples } of report.groups) {
    assert.match(page, new RegExp(`id="g-${id}"`));
    for (const { invocation_id: invocation } of examples) assert.ok(page.includes(invocation));
  }
  assert.equal(page.match(/<h1>/g)!.length, 1);
  assert.equal(page.match(/<table/g)!.length, page.match(/<caption/g)!.length);
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
});

// Names and values as this page writes them; a tag of any other form stays in the text and is found there.
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*\/?>/g;
const EMPTY = new Set(["meta", "input", "rect"]);
const KNOWN = new Set(
  "html head meta title style body header main footer section h1 h2 h3 p dl dt dd div ul li label span i b small code svg rect details summary table caption thead tbody tr th td figure figcaption pre input".split(
    " ",
  ),
);

function assertWellFormed(page: string): void {
  const body = page.replace("<!doctype html>\n", "").replace(/<style>[^]*?<\/style>/, "");
  const open: string[] = [];
  for (const [tag, closes, name] of body.matchAll(TAG)) {
    assert.ok(KNOWN.has(name!), tag);
    if (EMPTY.has(name!)) continue;
    if (closes === "/") assert.equal(open.pop(), name);
    else open.push(name!);
  }
  assert.deepEqual(open, []);
  const text = body.replaceAll(TAG, "");
  assert.doesNotMatch(text, /[<>]/);
  assert.doesNotMatch(text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, ""), /&/);
}
