import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NexusError } from "../core/errors.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";
import type { LogFields, Logger } from "./telemetry.ts";

const NOW = new Date("2026-03-04T05:06:07.089Z");
const EVENT = "0195a1b2-7000-7000-8000-000000000001";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function collect(options: Partial<LoggerOptions> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    write: (text) => lines.push(text),
    now: () => NOW,
    colour: false,
    ...options,
  });
  return { logger, lines };
}

function parsed(lines: readonly string[]): Record<string, unknown> {
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^[^\n]+\n$/);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

test("createLogger() writes time, level and message first, then the fields", () => {
  const { logger, lines } = collect();
  logger.info("Event accepted", { event_id: EVENT, trace_id: TRACE, count: 2 });
  assert.equal(
    lines[0],
    `{"time":"2026-03-04T05:06:07.089Z","level":"info","message":"Event accepted","event_id":"${EVENT}","trace_id":"${TRACE}","count":2}\n`,
  );
});

test("createLogger() never lets a field take the place of time, level or message", () => {
  const { logger, lines } = collect();
  logger.warn("real", { time: "forged", level: "forged", message: "forged" });
  assert.deepEqual(parsed(lines), {
    time: "2026-03-04T05:06:07.089Z",
    level: "warn",
    message: "real",
    time_: "forged",
    level_: "forged",
    message_: "forged",
  });
});

test("createLogger() writes what is at its level or above, and nothing below", () => {
  for (const [level, expected] of [
    ["debug", ["debug", "info", "warn", "error"]],
    ["info", ["info", "warn", "error"]],
    ["warn", ["warn", "error"]],
    ["error", ["error"]],
  ] as const) {
    const { logger, lines } = collect({ level });
    logger.debug("x");
    logger.info("x");
    logger.warn("x");
    logger.error("x");
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { level: string }).level),
      expected,
    );
  }
});

test("createLogger() writes a field named __proto__ like any other", () => {
  const { logger, lines } = collect();
  logger.info("x", JSON.parse('{"__proto__":{"a":1},"inner":{"__proto__":2}}') as LogFields);
  assert.match(lines[0]!, /"__proto__":\{"a":1\},"inner":\{"__proto__":2\}\}\n$/);
});

test("with() adds its fields to every line; a nearer field wins", () => {
  const { logger, lines } = collect();
  logger.with({ function: "a", trace_id: TRACE }).with({ attempt: 1 }).info("x", { attempt: 2 });
  const { function: fn, trace_id, attempt } = parsed(lines);
  assert.deepEqual([fn, trace_id, attempt], ["a", TRACE, 2]);
});

test("createLogger() writes a NexusError's code, message, details and cause, with a stack at debug only", () => {
  const error = new NexusError("LOG_FULL", "Cannot append event: no space", {
    details: { bytes: 7 },
    cause: Object.assign(new Error("write failed"), { code: "ENOSPC" }),
  });
  const { logger, lines } = collect();
  logger.error("Append failed", { error });
  const written = parsed(lines)["error"] as Record<string, unknown>;
  assert.equal(written["name"], "NexusError");
  assert.equal(written["code"], "LOG_FULL");
  assert.equal(written["message"], "Cannot append event: no space");
  assert.deepEqual(written["details"], { bytes: 7 });
  assert.equal(written["stack"], undefined);
  assert.equal((written["cause"] as Record<string, unknown>)["code"], "ENOSPC");

  const debug = collect({ level: "debug" });
  debug.logger.error("Append failed", { error });
  assert.match(String((parsed(debug.lines)["error"] as Record<string, unknown>)["stack"]), /at /);
});

test("createLogger() writes the stack of a bug at every level", () => {
  const { logger, lines } = collect({ level: "error" });
  logger.error("Request failed", { error: new TypeError("x is undefined") });
  const written = parsed(lines)["error"] as Record<string, unknown>;
  assert.match(String(written["stack"]), /^TypeError: x is undefined\n\s+at /);
});

test("createLogger() survives cycles, bigints, undefined, throwing getters and deep nesting", () => {
  const cycle: Record<string, unknown> = { name: "c" };
  cycle["self"] = cycle;
  let deep: unknown = "end";
  for (let i = 0; i < 50; i += 1) deep = [deep];
  const { logger, lines } = collect();
  logger.info("x", {
    cycle,
    deep,
    big: 12n,
    nothing: undefined,
    nan: Number.NaN,
    fn: () => 1,
    bytes: new Uint8Array(3),
    date: new Date(Number.NaN),
    map: new Map([["k", new Set([1n])]]),
    twice: [NOW, NOW],
    get broken(): unknown {
      throw new Error("no");
    },
    inner: {
      get broken(): unknown {
        throw new Error("no");
      },
    },
    long: "a".repeat(10_000),
  });
  const line = parsed(lines);
  assert.deepEqual(line["cycle"], { name: "c", self: "<cycle>" });
  assert.equal(JSON.stringify(line["deep"]), '[[[[[[[["<too deep>"]]]]]]]]');
  assert.equal(line["big"], "12");
  assert.ok(!("nothing" in line) && !("fn" in line));
  assert.equal(line["nan"], "NaN");
  assert.equal(line["bytes"], "<3 bytes>");
  assert.equal(line["date"], null);
  assert.deepEqual(line["map"], { k: ["1"] });
  assert.deepEqual(line["twice"], [NOW.toISOString(), NOW.toISOString()]);
  assert.equal(line["broken"], "<unreadable>");
  assert.deepEqual(line["inner"], { broken: "<unreadable>" });
  assert.equal(line["long"], `${"a".repeat(8192)}… <1808 more>`);
});

test("createLogger() writes one parsable line for any fields, and keeps what is JSON as it is", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })),
      (message, value) => {
        const { logger, lines } = collect();
        logger.info(message, { value });
        const line = parsed(lines);
        assert.equal(line["message"], message);
        assert.deepEqual(line["value"], JSON.parse(JSON.stringify(value)));
      },
    ),
  );
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }),
      (value) => {
        for (const format of ["json", "pretty"] as const) {
          const { logger, lines } = collect({ format });
          logger.info("x", { value, ...(value as object) });
          assert.ok(lines[0]!.endsWith("\n"));
          if (format === "json") parsed(lines);
        }
      },
    ),
  );
});

test("createLogger() pretty aligns, shortens the trace id and shows function and event", () => {
  const { logger, lines } = collect({ format: "pretty" });
  logger.info("Event accepted", { count: 2, trace_id: TRACE, event_id: EVENT, function: "hello" });
  assert.match(
    lines[0]!,
    new RegExp(
      `^\\d\\d:\\d\\d:\\d\\d\\.089 INFO  Event accepted {19}hello ${EVENT} trace=4bf92f35 count=2\\n$`,
    ),
  );
  logger.warn("Short");
  assert.match(lines[1]!, /^\S+ WARN {2}Short\n$/);
});

test("createLogger() pretty puts an error in the line and its stack below", () => {
  const { logger, lines } = collect({ format: "pretty" });
  const cause = new RangeError("boom");
  logger.error("Failed", {
    error: new NexusError("INTERNAL", "Cannot do it: it broke", { cause }),
  });
  const [first, by, frame] = lines[0]!.split("\n");
  assert.match(
    first!,
    /error=NexusError INTERNAL: Cannot do it: it broke \(cause: RangeError: boom\)$/,
  );
  assert.equal(by, "    caused by");
  assert.match(frame!, /^ {4}at /);
});

test("createLogger() pretty names a code once, also where the message has it already", () => {
  const { logger, lines } = collect({ format: "pretty" });
  const message = "ENOENT: no such file";
  logger.warn("x", { error: { name: "Error", message, code: "ENOENT" }, e: new Error("") });
  assert.match(lines[0]!, / error=Error: ENOENT: no such file e=Error: \n/);
});

test("createLogger() pretty shows control characters instead of sending them to the terminal", () => {
  const { logger, lines } = collect({ format: "pretty" });
  logger.info("a\u001b[2Jb\nc", { "k\u001b": "x\u001b]0;t\u0007\u202ey", function: "f\r" });
  assert.doesNotMatch(lines[0]!.slice(0, -1), /[\p{Cc}\u202e]/u);
  assert.match(lines[0]!, /a\\u001b\[2Jb\\nc/);
});

test("createLogger() pretty uses colour only where it is asked to", () => {
  const plain = collect({ format: "pretty" });
  const coloured = collect({ format: "pretty", colour: true });
  plain.logger.error("x", { function: "f" });
  coloured.logger.error("x", { function: "f" });
  assert.ok(!plain.lines[0]!.includes("\u001b["));
  assert.ok(coloured.lines[0]!.includes("\u001b[31mERROR\u001b[39m"));
});
