import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventLog } from "../log.ts";
import type { StateEntry } from "../state.ts";
import type { TestStore } from "./fixtures.ts";

const START = Date.UTC(2030, 0, 1);
const NAMESPACES = ["fn:a", "fn:a.b"];
const KEYS = ["k", "k.", "k\0", "*", "\u{1f9c0}", "\uffff"];

type Op =
  | {
      readonly op: "set";
      readonly at: string;
      readonly key: string;
      readonly value: Uint8Array;
      /** `past`: the revision before the one it has. */
      readonly expect: "absent" | "now" | "past" | undefined;
      readonly lastsMs: number | undefined;
    }
  | {
      readonly op: "delete";
      readonly at: string;
      readonly key: string;
      readonly expect: "now" | "past" | undefined;
    }
  | { readonly op: "list"; readonly at: string; readonly prefix: string; readonly limit: number }
  | { readonly op: "pass"; readonly ms: number }
  | { readonly op: "trim" }
  | { readonly op: "reopen" };

const at = fc.constantFrom(...NAMESPACES);
const key = fc.constantFrom(...KEYS);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("set" as const),
      at,
      key,
      value: fc.uint8Array({ maxLength: 20 }),
      expect: fc.constantFrom("absent", "now", "past", undefined),
      lastsMs: fc.option(fc.integer({ min: -1, max: 100 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("delete" as const),
      at,
      key,
      expect: fc.constantFrom("now", "past", undefined),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("list" as const),
      at,
      prefix: fc.constantFrom("", "k", "k."),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("pass" as const), ms: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("trim" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("reopen" as const) }) },
);

export function testStateModel(make: () => Promise<TestStore>, stores: number): void {
  test("state does what a map would, whatever is done to it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 40 }), async (ops) => {
        await using store = await make();
        await using run = await Run.begin(store);
        for (const each of ops) await run.does(each);
        await run.check();
      }),
      { numRuns: stores },
    );
  });
}

/** A log and a map side by side. */
class Run {
  readonly #store: TestStore;
  readonly #model = new Map<string, Map<string, StateEntry>>(
    NAMESPACES.map((name) => [name, new Map()]),
  );
  /** The largest revision that each key of each namespace ever had. */
  readonly #revisions = new Map<string, number>();
  #log: EventLog;
  #clock = START;

  private constructor(store: TestStore, log: EventLog) {
    this.#store = store;
    this.#log = log;
  }

  static async begin(store: TestStore): Promise<Run> {
    const run: Run = new Run(store, await store.open(() => run.#clock));
    return run;
  }

  async does(op: Op): Promise<void> {
    if (op.op === "set") await this.#set(op);
    else if (op.op === "delete") await this.#delete(op);
    else if (op.op === "list") await this.#list(op);
    else if (op.op === "pass") this.#clock += op.ms;
    else if (op.op === "trim") await this.#log.trim({ events: {}, invocations: {} });
    else {
      await this.#log[Symbol.asyncDispose]();
      this.#log = await this.#store.open(() => this.#clock);
    }
  }

  /** Compares all there is. */
  async check(): Promise<void> {
    for (const name of NAMESPACES) {
      const wanted = this.#sorted(name);
      assert.deepEqual(await this.#log.state.list(name, { limit: 100 }), {
        items: wanted,
        more: false,
      });
      for (const each of KEYS) {
        assert.deepEqual(await this.#log.state.get(name, each), this.#there(name, each));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
  }

  async #set({ at: name, key: k, value, expect, lastsMs }: Op & { op: "set" }): Promise<void> {
    const expiresAt = lastsMs === undefined ? undefined : this.#clock + lastsMs;
    const there = this.#there(name, k);
    const wanted = expect === "absent" ? "absent" : this.#expected(name, k, expect);
    const revision = await this.#log.state.set(name, k, value, {
      ...(wanted === undefined ? {} : { expect: wanted }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
    const met = wanted === undefined || wanted === (there?.revision ?? "absent");
    assert.equal(revision !== undefined, met);
    if (revision === undefined) return;
    const memo = `${name}\0${k}`;
    assert.ok(revision > (this.#revisions.get(memo) ?? 0));
    this.#revisions.set(memo, revision);
    const entry = { key: k, value, revision, ...(expiresAt === undefined ? {} : { expiresAt }) };
    this.#model.get(name)!.set(k, entry);
  }

  async #delete({ at: name, key: k, expect }: Op & { op: "delete" }): Promise<void> {
    const there = this.#there(name, k);
    const wanted = this.#expected(name, k, expect);
    const removed = await this.#log.state.delete(
      name,
      k,
      wanted === undefined ? {} : { expect: wanted },
    );
    const met = there !== undefined && (wanted === undefined || wanted === there.revision);
    assert.equal(removed, met);
    if (removed) this.#model.get(name)!.delete(k);
  }

  async #list({ at: name, prefix, limit }: Op & { op: "list" }): Promise<void> {
    const all = this.#sorted(name).filter((entry) => entry.key.startsWith(prefix));
    assert.deepEqual(await this.#log.state.list(name, { prefix, limit }), {
      items: all.slice(0, limit),
      more: all.length > limit,
    });
  }

  #expected(name: string, k: string, expect: "now" | "past" | undefined): number | undefined {
    if (expect === undefined) return undefined;
    const last = this.#revisions.get(`${name}\0${k}`) ?? 1;
    return expect === "now" ? last : last - 1;
  }

  #there(name: string, k: string): StateEntry | undefined {
    const entry = this.#model.get(name)!.get(k);
    return entry?.expiresAt !== undefined && entry.expiresAt <= this.#clock ? undefined : entry;
  }

  #sorted(name: string): StateEntry[] {
    return KEYS.map((each) => this.#there(name, each))
      .filter((entry) => entry !== undefined)
      .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
  }
}
