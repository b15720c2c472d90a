import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters, styleText } from "node:util";
import fc from "fast-check";
import { createOutput } from "../output.ts";
import { widthOf } from "../text.ts";
import { progressBar, progressLine, type ProgressState } from "./progress.ts";

const plain = (_: unknown, text: string): string => text;
const state: ProgressState = {
  doing: "Replaying",
  unit: "run",
  done: 1204,
  total: 5000,
  perSecond: 312,
};

test("progressLine() tells how many, how fast and how long still, and lets go of what does not fit", () => {
  const lines = [100, 70, 46, 42, 30, 20, 10].map((width) => progressLine(state, width, plain));
  assert.deepEqual(lines, [
    `Replaying ${"━".repeat(7)}${"╌".repeat(25)} 1,204 of 5,000 runs  312/s  13 s left`,
    `Replaying ${"━".repeat(5)}${"╌".repeat(17)} 1,204 of 5,000 runs  312/s  13 s left`,
    "Replaying 1,204 of 5,000 runs  13 s left",
    "Replaying 1,204 of 5,000 runs  13 s left",
    "Replaying 1,204 of 5,000 runs",
    "1,204 of 5,000 runs",
    "1,204 of 5",
  ]);
  const unknown = { ...state, total: undefined, perSecond: undefined };
  assert.equal(progressLine(unknown, 80, plain), "Replaying 1,204 runs");
});

test("progressLine() never takes more columns than there are, in colour neither", () => {
  const colour = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { validateStream: false });
  const rate = fc.option(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.nat(),
      fc.option(fc.nat(), { nil: undefined }),
      rate,
      fc.nat({ max: 120 }),
      (...[done, total, perSecond, width]) => {
        const line = progressLine({ ...state, done, total, perSecond }, width, colour);
        assert.ok(widthOf(line) <= width);
      },
    ),
  );
});

function streams(tty: boolean, env: Readonly<Record<string, string>> = {}) {
  const written: string[] = [];
  const sink = {
    isTTY: tty,
    columns: 60,
    write: (bytes: string | Uint8Array) => written.push(String(bytes)) > 0,
  };
  return { written, out: createOutput({ stdin: {}, stdout: sink, stderr: sink }, env) };
}

test("progressBar() writes nothing into a pipe, and no colour where NO_COLOR is set", () => {
  const pipe = streams(false);
  progressBar(pipe.out, { doing: "Replaying", unit: "run" }).update(1, 2);
  assert.deepEqual(pipe.written, []);

  const bare = streams(true, { NO_COLOR: "1" });
  progressBar(bare.out, { doing: "Replaying", unit: "run" }).update(1, 2);
  assert.equal(bare.written.length, 1);
  const bar = "━".repeat(16) + "╌".repeat(16);
  assert.equal(stripVTControlCharacters(bare.written[0]!), `\rReplaying ${bar} 1 of 2 runs`);
  assert.doesNotMatch(bare.written[0]!, /\[\d+m/);
});

test("progressBar() writes ten times a second at most, but always the end, and tells the rate of late", () => {
  const { written, out } = streams(true, { NO_COLOR: "1" });
  let nowMs = 0;
  const bar = progressBar(out, { doing: "Replaying", unit: "run", now: () => nowMs });
  for (let done = 0; done <= 1000; done += 1) {
    bar.update(done, 1000);
    nowMs += done < 500 ? 1 : 10;
  }
  assert.ok(written.length > 50 && written.length < 70, String(written.length));
  assert.match(written.at(-1)!, /1,000 of 1,000 runs/);
  assert.doesNotMatch(written.at(-1)!, / left/);
  bar.end();
  assert.equal(written.at(-1), "\r\u001b[2K");
});
