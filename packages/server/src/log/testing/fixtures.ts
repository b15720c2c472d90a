import type { NewEvent, NexusEvent, StoredEvent } from "../../core/event.ts";
import { uuidv7 } from "../../core/ids.ts";
import type { Invocation } from "../../core/invocation.ts";
import type { Delivery, EventLog, Page, PageRequest, Settlement, Subscription } from "../log.ts";

/** One store that a log can be opened on again and again. Removed when disposed. */
export interface TestStore {
  /** `now`: what time it is for the log, where it is not its store that says so. */
  open(now?: () => number): Promise<EventLog>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EventOptions {
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly data?: unknown;
  readonly target?: string;
  readonly depth?: number;
  readonly extensions?: NexusEvent["extensions"];
}

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** An event as the HTTP side would make it. */
export function newEvent(options: EventOptions = {}): NewEvent {
  const { id = uuidv7(Date.now()), source = "/test", type = "com.example.test" } = options;
  const { subject, data = { n: 1 }, target, depth = 0, extensions = {} } = options;
  const time = "2026-11-24T00:00:00Z";
  const subjectPart = subject === undefined ? {} : { subject };
  const attributes = { specversion: "1.0", id, source, type, time, ...subjectPart, ...extensions };
  const json = new TextEncoder().encode(JSON.stringify({ ...attributes, data }));
  const event = { id, source, type, time, ...subjectPart, extensions, json };
  const meta = { traceparent: TRACEPARENT, depth, ...(target === undefined ? {} : { target }) };
  return { event: Object.freeze(event), meta };
}

export function newEvents(count: number, options: EventOptions = {}): NewEvent[] {
  return Array.from({ length: count }, () => newEvent(options));
}

/** The record of a run of `fn` on an event. */
export function invocationOf(
  stored: StoredEvent,
  fn: string,
  changes: Partial<Invocation> = {},
): Invocation {
  const now = Date.now();
  return {
    id: uuidv7(now),
    event_id: stored.event.id,
    event_source: stored.event.source,
    event_type: stored.event.type,
    position: stored.position,
    function: fn,
    version: "0".repeat(64),
    attempt: 1,
    trigger: "event",
    status: "succeeded",
    exit_code: 0,
    error: null,
    output: "ok",
    output_encoding: "utf-8",
    output_bytes: 2,
    output_truncated: false,
    logs: [],
    logs_truncated: false,
    limits_reached: [],
    emitted: [],
    started_at: new Date(now).toISOString(),
    duration_ms: 1.5,
    memory_peak_bytes: 65_536,
    cold: false,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    delivery: "done",
    retry_at: null,
    ...changes,
  };
}

export const DONE: Settlement["next"] = { state: "done" };
export const DEAD: Settlement["next"] = {
  state: "dead",
  error: { code: "FUNCTION_FAILED", message: "Cannot finish: exit code 1" },
};

/** Settles a delivery with the record that goes with it. */
export function settle(
  log: EventLog,
  delivery: Delivery,
  next: Settlement["next"] = DONE,
  emitted: readonly NewEvent[] = [],
): Promise<void> {
  return log.settle(delivery, { ...settlementOf(delivery, next), emitted });
}

/** The end of a delivery with the record that goes with it. */
export function settlementOf(
  { stored, name, attempt }: Delivery,
  next: Settlement["next"] = DONE,
): Settlement {
  const status = next.state === "done" ? "succeeded" : "failed";
  const invocation = invocationOf(stored, name, { attempt, status, delivery: next.state });
  return { invocation, emitted: [], next };
}

/** Bytes that nothing can make smaller. */
export function noise(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += MAX_NOISE) {
    crypto.getRandomValues(all.subarray(at, at + MAX_NOISE));
  }
  return all;
}

/** What one call gives. */
const MAX_NOISE = 65_536;

/** A consumer under test: ask it for deliveries, end it. */
export class TestConsumer {
  readonly #abort = new AbortController();
  readonly #deliveries: AsyncIterator<Delivery>;
  #asked: Promise<IteratorResult<Delivery>> | undefined;

  constructor(log: EventLog, subscription: Partial<Subscription> & { readonly name: string }) {
    const defaults = { patterns: ["com.example.*"], concurrency: 100, start: "earliest" } as const;
    const whole = { ...defaults, ...subscription };
    this.#deliveries = log.consume(whole, this.#abort.signal)[Symbol.asyncIterator]();
  }

  /** The next delivery; waits for it. */
  async next(): Promise<Delivery> {
    const result = await (this.#asked ?? this.#deliveries.next());
    this.#asked = undefined;
    if (result.done === true) throw new Error("The consumer ended");
    return result.value;
  }

  async take(count: number): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** Whether a delivery is there without anything more happening: a commit goes by meanwhile. */
  async idle(log: EventLog): Promise<boolean> {
    this.#asked ??= this.#deliveries.next();
    let arrived = false;
    void this.#asked.then(() => (arrived = true)); // looked at again by next()
    await log.append([newEvent({ type: "org.other.tick" })]);
    await new Promise(setImmediate);
    return !arrived;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // What was asked for is answered first, with the end.
    await this.#asked;
    await this.#deliveries.return?.();
  }
}

/** Every page of a list, one after the other. */
export async function allPages<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  limit: number,
): Promise<T[][]> {
  const pages: T[][] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await list(cursor === undefined ? { limit } : { limit, cursor });
    pages.push([...page.items]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

export function positions(items: readonly { readonly position: number }[]): number[] {
  return items.map(({ position }) => position);
}
