import {
  MOST_PAGE_BYTES,
  MOST_VALUE_BYTES,
  type SetOptions,
  type StateEntry,
  type StatePage,
  type StateQuery,
  type StateRevision,
} from "../../state.ts";
import { checkKey, checkNamespace, checkText, checkValue } from "../../state-limits.ts";
import type { NatsStore } from "./store.ts";
import { OneByOne } from "./one-by-one.ts";
import {
  encodeDeletion,
  encodeValue,
  isOver,
  type KeptValue,
  type Predecessor,
} from "./value-messages.ts";
import { SweepTimes, sweepValues } from "./value-sweep.ts";
import { KeyReader, type KeyState } from "./value-versions.ts";
import type { Outgoing } from "./wire.ts";

/** Values asked for at once. */
const WINDOW = 16;

const MOST_KNOWN = 10_000;
const NO_BYTES = new Uint8Array();
const NOTHING: KeyState = { current: undefined, last: 0 };

/** A write that follows an entry. */
interface Write {
  readonly isMet: (current: KeptValue | undefined) => boolean;
  readonly encode: (follows: Predecessor) => Outgoing;
  /** What is taken for the key's state at first. */
  readonly known?: KeyState | undefined;
}

/**
 * The store of small values: a stream with one subject a key. A message's sequence is its revision. What has
 * been deleted leaves a message that says so, since JetStream brings messages to the disk at once and
 * removals only later; a sweep takes it away.
 *
 * Every read asks the stream's leader: other servers may be behind. (A leader that was cut off from its
 * cluster takes itself for one for some seconds more; it can answer reads then, and no writes.) Where the
 * stream has several copies, an entry that was written with `expect` takes a second read (KeyReader).
 *
 * The cost of `list` grows with the namespace: the server gives the names of all its keys, and each value
 * of the page is asked for by itself.
 */
export class Values {
  readonly #store: NatsStore;
  readonly #now: () => number;
  readonly #keys: KeyReader;
  readonly #alone = new OneByOne();
  /** What was read last of some keys, without the values. What it says of a message holds for ever. */
  readonly #known = new Map<string, KeyState>();
  readonly #sweepTimes = new SweepTimes();

  constructor(store: NatsStore, now: () => number) {
    this.#store = store;
    this.#keys = new KeyReader(store, () => store.replicas);
    this.#now = now;
  }

  get maxValueBytes(): number {
    return Math.min(MOST_VALUE_BYTES, this.#store.maxBytes);
  }

  async get(namespace: string, key: string): Promise<StateEntry | undefined> {
    checkKey(namespace, key);
    const subject = this.#store.layout.value(namespace, key);
    const state = await this.#keys.read(subject);
    this.#remember(subject, state);
    return this.#entry(key, state.current);
  }

  async set(
    namespace: string,
    key: string,
    given: Uint8Array,
    { expect, expiresAt }: SetOptions = {},
  ): Promise<StateRevision | undefined> {
    checkKey(namespace, key);
    checkValue(key, given, this.maxValueBytes);
    const value = given.slice(); // it goes at the end of this turn, or later
    const subject = this.#store.layout.value(namespace, key);
    if (expect === undefined) {
      const { headers, data } = encodeValue(value, { expiresAt });
      const { sequence } = await this.#store.channel.publish(subject, data, headers);
      return this.#revisionOf(sequence);
    }
    const encode = (follows: Predecessor) => encodeValue(value, { follows, expiresAt });
    const sequence = await this.#alone.run(subject, () => {
      const isMet = (current: KeptValue | undefined) =>
        (this.#entry(key, current)?.revision ?? "absent") === expect;
      // What is expected was read by somebody, as a rule by this process, a moment ago.
      const known = expect === "absent" ? NOTHING : this.#known.get(subject);
      return this.#follow(subject, { isMet, encode, ...(isMet(known?.current) && { known }) });
    });
    return sequence === undefined ? undefined : this.#revisionOf(sequence);
  }

  async delete(
    namespace: string,
    key: string,
    { expect }: { readonly expect?: StateRevision } = {},
  ): Promise<boolean> {
    checkKey(namespace, key);
    const subject = this.#store.layout.value(namespace, key);
    const isMet = (current: KeptValue | undefined): boolean => {
      const entry = this.#entry(key, current);
      return entry !== undefined && (expect === undefined || expect === entry.revision);
    };
    const sequence = await this.#alone.run(subject, () =>
      this.#follow(subject, { isMet, encode: encodeDeletion }),
    );
    return sequence !== undefined;
  }

  async list(namespace: string, query: StateQuery): Promise<StatePage> {
    const { prefix = "", limit, after } = query;
    checkNamespace(namespace);
    checkText(prefix, "prefix");
    if (after !== undefined) checkKey(namespace, after);
    const { layout } = this.#store;
    const keys = await this.#list(namespace, { prefix, after });
    const items: StateEntry[] = [];
    let bytes = 0;
    for (let at = 0; at < keys.length; at += WINDOW) {
      const window = keys.slice(at, at + WINDOW);
      const found = await Promise.all(
        window.map((key) => this.#keys.read(layout.value(namespace, key))),
      );
      for (const [index, { current }] of found.entries()) {
        const entry = this.#entry(window[index]!, current);
        if (entry === undefined) continue;
        if (items.length === limit || bytes >= MOST_PAGE_BYTES) return { items, more: true };
        items.push(entry);
        bytes += entry.value.length;
      }
    }
    return { items, more: false };
  }

  /** Removes for good what is over, or has been deleted, for long enough. LOG_UNAVAILABLE. */
  async sweep(signal: AbortSignal | undefined): Promise<void> {
    const now = this.#now();
    if (!this.#sweepTimes.isDue(now)) return;
    await sweepValues(this.#store, this.#keys, { now, signal });
    this.#sweepTimes.swept(now);
  }

  /** Keys that may have entries, in order of their bytes. */
  async #list(
    namespace: string,
    { prefix, after }: { readonly prefix: string; readonly after: string | undefined },
  ): Promise<string[]> {
    const { layout, values } = this.#store;
    const subjects = await values.subjects(layout.valuesOf(namespace));
    const behind = after === undefined ? undefined : Buffer.from(after);
    const keys: { readonly key: string; readonly bytes: Buffer }[] = [];
    for (const subject of subjects) {
      const { key } = layout.placeOfValue(subject);
      if (!key.startsWith(prefix)) continue;
      const bytes = Buffer.from(key);
      if (behind === undefined || bytes.compare(behind) > 0) keys.push({ key, bytes });
    }
    return keys.sort((one, other) => one.bytes.compare(other.bytes)).map(({ key }) => key);
  }

  /**
   * Publishes what follows the entry if that is as it should be, again and again until nothing came in
   * between. Undefined: it is not.
   */
  async #follow(subject: string, write: Write): Promise<number | undefined> {
    const { channel } = this.#store;
    let state = write.known ?? (await this.#keys.read(subject));
    while (write.isMet(state.current)) {
      const after = state.current?.sequence ?? 0;
      const { headers, data } = write.encode({ after, last: state.last });
      const { sequence, duplicate } = await channel.publish(subject, data, headers);
      if (!duplicate && (await this.#keys.counts(subject, sequence, after))) return sequence;
      this.#known.delete(subject);
      state = await this.#keys.read(subject);
    }
    return undefined;
  }

  #remember(subject: string, { current, last }: KeyState): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    if (current === undefined || current.isDeleted) this.#known.delete(subject);
    else this.#known.set(subject, { current: { ...current, value: NO_BYTES }, last });
  }

  #entry(key: string, last: KeptValue | undefined): StateEntry | undefined {
    if (last === undefined || last.isDeleted || isOver(last, this.#now())) return undefined;
    const { value, sequence, expiresAt } = last;
    const revision = this.#revisionOf(sequence);
    return { key, value, revision, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }

  #revisionOf(sequence: number): StateRevision {
    return sequence + this.#store.revisionsBefore;
  }
}
