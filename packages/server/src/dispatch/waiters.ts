import { setTimeout as delay } from "node:timers/promises";
import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { Invocation } from "../core/invocation.ts";
import type { Functions } from "../functions/functions.ts";
import type { Appended, EventLog, LogEntry } from "../log/log.ts";
import type { Waited } from "./dispatch.ts";

/** Positions with the names of the functions whose delivery has not ended. */
type Open = Map<number, Set<string>>;

const AGAIN_MS = 500;

type Listener = (entry: LogEntry) => Promise<void>;

/**
 * Waits for the deliveries of events to end by watching the records in the log, so that it does not
 * matter which node ran the function. All waiters share one watch.
 */
export class Waiters {
  readonly #log: EventLog;
  readonly #functions: Functions;
  readonly #listeners = new Set<Listener>();
  #watch: AbortController | undefined;

  constructor(log: EventLog, functions: Functions) {
    this.#log = log;
    this.#functions = functions;
  }

  async appendAndWait(
    events: readonly NewEvent[],
    signal: AbortSignal,
  ): Promise<readonly Waited[]> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const open: Open = new Map();
    const listener = async (entry: LogEntry) => {
      if (entry.kind === "invocation" && close(open, entry.invocation)) end();
      if (entry.kind === "gap" && (await this.#catchUpAtLast(open, signal))) end();
    };
    // The watch begins before the append, or a fast function would be over before anybody looks.
    this.#listen(listener);
    signal.addEventListener("abort", () => end(), { once: true });
    try {
      const appended = await this.#log.append(events);
      this.#fill(open, events, appended);
      await this.#catchUp(open);
      if (open.size > 0 && !signal.aborted) await ended;
      return await Promise.all(appended.map((one) => this.#waited(one, open)));
    } finally {
      this.#unlisten(listener);
    }
  }

  async #waited(appended: Appended, open: Open): Promise<Waited> {
    const complete = !open.has(appended.position);
    const invocations = await this.#log.invocations.ofEvent(appended.position);
    return { appended, complete, invocations };
  }

  #fill(open: Open, events: readonly NewEvent[], appended: readonly Appended[]): void {
    for (const [index, { position }] of appended.entries()) {
      const stored = { ...events[index]!, position, acceptedAt: 0 };
      const names = this.#functions.matching(stored).map(({ name }) => name);
      if (names.length > 0) open.set(position, new Set(names));
    }
  }

  // What was recorded before anybody looked: a duplicate's deliveries may be long over. True if that
  // closed the last open one.
  async #catchUp(open: Open): Promise<boolean> {
    let last = false;
    for (const position of open.keys()) {
      const invocations = await this.#log.invocations.ofEvent(position);
      for (const invocation of invocations) last = close(open, invocation) || last;
    }
    return last;
  }

  // A gap comes with a connection that is back, and the log behind it may still be on its way.
  async #catchUpAtLast(open: Open, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        return await this.#catchUp(open);
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  #listen(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#watch !== undefined) return;
    this.#watch = new AbortController();
    void this.#pump(this.#watch.signal);
  }

  #unlisten(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#watch?.abort();
    this.#watch = undefined;
  }

  async #pump(signal: AbortSignal): Promise<void> {
    for await (const entry of this.#log.watch(signal)) {
      if (signal.aborted) return;
      for (const listener of this.#listeners) void listener(entry);
    }
  }
}

/** Takes an ended delivery out; true if it was the last open one. */
function close(open: Open, invocation: Invocation): boolean {
  const names = open.get(invocation.position);
  if (names === undefined) return false;
  if (invocation.delivery !== "done" && invocation.delivery !== "dead") return false;
  names.delete(invocation.function);
  if (names.size > 0) return false;
  open.delete(invocation.position);
  return open.size === 0;
}
