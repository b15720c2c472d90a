import { lockDirectory } from "../../../core/directory-lock.ts";
import { NexusError } from "../../../core/errors.ts";
import type { StoredEvent } from "../../../core/event.ts";
import type {
  FunctionPlace,
  KeptInvocation,
  KeptValue,
  LogState,
  LogTarget,
} from "../../transfer.ts";
import { Catalogue, FUNCTION } from "./catalogue.ts";
import { Committer } from "./committer.ts";
import { encodeCursorRow } from "./cursors.ts";
import { DeadLetters } from "./dead.ts";
import { Events } from "./events.ts";
import { decodeMark, encodeMark, IMPORT_KEY } from "./importing.ts";
import { Invocations } from "./invocations.ts";
import { MARK, namedPositionKey, nameKeyOf } from "./keys.ts";
import { Pending } from "./pending.ts";
import { State } from "./state.ts";
import { openStore, type Store } from "./store.ts";
import { Values } from "./values.ts";

/** A data directory's log to import into. Positions stay what they were. DATA_DIR_LOCKED, DATA_DIR_UNUSABLE. */
export async function embeddedTarget(dir: string): Promise<LogTarget> {
  const lock = lockDirectory(dir);
  try {
    return new EmbeddedTarget(dir, openStore(dir), () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

const EMPTY: LogState = { tail: 0, revision: 0, deadLetters: [], retries: [], places: [] };

class EmbeddedTarget implements LogTarget {
  readonly driver = "embedded";
  readonly #dir: string;
  readonly #store: Store;
  readonly #release: () => void;
  readonly #state: State;
  readonly #catalogue: Catalogue;
  readonly #events: Events;
  readonly #invocations: Invocations;
  readonly #dead: DeadLetters;
  readonly #pending: Pending;
  readonly #values: Values;
  readonly #committer: Committer;
  #archive = "";
  #toKeep = EMPTY;

  constructor(dir: string, store: Store, release: () => void) {
    this.#dir = dir;
    this.#store = store;
    this.#release = release;
    this.#state = new State(store);
    this.#catalogue = new Catalogue(store, this.#state.nextName);
    this.#events = new Events(store, this.#catalogue, { ...this.#state.newest, now: Date.now });
    this.#invocations = new Invocations(store, this.#catalogue);
    this.#dead = new DeadLetters(store, this.#catalogue);
    this.#pending = new Pending(store);
    this.#values = new Values(store, Date.now);
    this.#committer = new Committer(store, {
      prepare: (batch) => {
        this.#events.prepare(batch);
        this.#catalogue.prepare(batch);
        this.#values.prepare(batch);
        this.#state.prepare(batch, this.#catalogue.next);
      },
      waiting: () => this.#catalogue.waiting,
      committed: () => undefined,
    });
  }

  async begin(archiveId: string, state: LogState): Promise<"begun" | "continued" | "done"> {
    this.#archive = archiveId;
    this.#toKeep = state;
    const mark = decodeMark(this.#store.meta.get(IMPORT_KEY));
    if (mark?.archive === archiveId && mark.done) return "done";
    this.#values.moveRevision(state.revision);
    if (mark?.archive === archiveId) return "continued";
    const { events, invocations, deadLetters } = this.#state.counters;
    const { tail } = this.#state.newest;
    const values = this.#store.values.getKeysCount({ limit: 1 });
    if (mark !== undefined || tail + events + invocations + deadLetters + values > 0) {
      throw new NexusError(
        "LOG_NOT_EMPTY",
        mark?.done === false
          ? `Cannot import into "${this.#dir}": an import of another archive was cut off there`
          : `Cannot import into "${this.#dir}": it holds events, records or state already`,
      );
    }
    const { batch } = this.#committer;
    batch.put(this.#store.meta, IMPORT_KEY, encodeMark({ archive: archiveId, done: false }));
    // A server that ran here without an event left its functions' places at the end of nothing.
    for (const key of this.#store.cursors.getKeys({})) batch.remove(this.#store.cursors, key);
    await batch.done;
    return "begun";
  }

  async events(events: readonly StoredEvent[]): Promise<void> {
    const { batch } = this.#committer;
    for (const stored of events) this.#events.restore(batch, stored);
    await batch.done;
  }

  async invocations(kept: readonly KeptInvocation[]): Promise<void> {
    const { batch } = this.#committer;
    const inBatch = new Set<string>();
    for (const { invocation, recording } of kept) {
      const { id } = invocation;
      if (inBatch.has(id) || this.#invocations.has(id)) continue;
      inBatch.add(id);
      this.#invocations.write(batch, invocation, recording);
    }
    await batch.done;
  }

  async values(values: readonly KeptValue[]): Promise<void> {
    const { batch } = this.#committer;
    for (const each of values) this.#values.restore(batch, each);
    await batch.done;
  }

  /** One transaction: with it the log is ready, without it nothing of it is there. */
  async finish(): Promise<void> {
    const { batch } = this.#committer;
    const { tail, deadLetters, retries, places } = this.#toKeep;
    this.#state.moveTail(tail);
    for (const letter of deadLetters) this.#dead.keep(batch, letter);
    for (const { function: name, ...retry } of retries) {
      const stored = this.#events.get(retry.position);
      if (stored === undefined) continue;
      const number = this.#catalogue.assign(FUNCTION, name);
      this.#pending.put(batch, number, { ...retry, acceptedAt: stored.acceptedAt });
    }
    for (const { function: name, high, open, done } of places) {
      const number = this.#catalogue.assign(FUNCTION, name);
      batch.put(
        this.#store.cursors,
        nameKeyOf(number),
        encodeCursorRow({ high, holes: this.#there(open) }),
      );
      for (const position of done) {
        batch.put(this.#store.ahead, namedPositionKey(number, position), MARK);
      }
    }
    const mark = encodeMark({ archive: this.#archive, done: true });
    batch.put(this.#store.meta, IMPORT_KEY, mark);
    await batch.done;
  }

  /** What the other log did not hold any more cannot be run. */
  #there(open: FunctionPlace["open"]): number[] {
    return open.filter((position) => this.#events.get(position) !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#committer.close();
    await this.#store.close();
    this.#release();
  }
}
