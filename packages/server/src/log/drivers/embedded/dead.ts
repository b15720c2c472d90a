import type { DeadLetter, Invocation, InvocationError } from "../../../core/invocation.ts";
import { uuidv7 } from "../../../core/ids.ts";
import { typeMatches } from "../../../core/pattern.ts";
import { decodeCursor, encodeCursor } from "../../cursor.ts";
import { deadLetterOf } from "../../dead-letter.ts";
import type { DeadLetterFilter, Page, PageRequest } from "../../log.ts";
import { type Catalogue, FUNCTION } from "./catalogue.ts";
import type { Batch } from "./committer.ts";
import { afterPrefix, idKey, MARK, nameBytes } from "./keys.ts";
import { HOLD_DEAD, holdKey } from "./pending.ts";
import type { Store } from "./store.ts";

const SCAN = 5_000;
const CHUNK = 250;

/** The deliveries that used up their attempts. */
export class DeadLetters {
  readonly #store: Store;
  readonly #catalogue: Catalogue;

  constructor(store: Store, catalogue: Catalogue) {
    this.#store = store;
    this.#catalogue = catalogue;
  }

  write(batch: Batch, last: Invocation, dead: { error: InvocationError; at: number }): void {
    const letter = deadLetterOf(last, { ...dead, id: `dl_${uuidv7(dead.at)}` });
    this.keep(batch, letter);
  }

  keep(batch: Batch, letter: DeadLetter): void {
    const name = this.#catalogue.assign(FUNCTION, letter.function);
    const { deadLetters, deadLettersByFunction, holds } = this.#store;
    batch.put(deadLetters, idKey([], letter.id), Buffer.from(JSON.stringify(letter)));
    batch.put(deadLettersByFunction, idKey(nameBytes(name), letter.id), MARK);
    batch.put(holds, holdKey(letter.position, name, HOLD_DEAD), MARK);
    batch.delta.deadLetters += 1;
  }

  get(id: string): DeadLetter | undefined {
    const value = id === "" ? undefined : this.#store.deadLetters.get(idKey([], id.slice(0, 100)));
    return value === undefined ? undefined : (JSON.parse(value.toString("utf8")) as DeadLetter);
  }

  async list(filter: DeadLetterFilter, { limit, cursor }: PageRequest): Promise<Page<DeadLetter>> {
    const mark = [filter.function, filter.type];
    let before = cursor === undefined ? undefined : decodeCursor("dead-letters", mark, cursor);
    const items: DeadLetter[] = [];
    const name =
      filter.function === undefined ? undefined : this.#catalogue.find(FUNCTION, filter.function);
    if (filter.function !== undefined && name === undefined) return { items };
    for (let scanned = 0; scanned < SCAN; scanned += CHUNK) {
      const ids = this.#idsBefore(name, before);
      for (const id of ids) {
        const letter = this.get(id);
        const fits =
          letter !== undefined &&
          (filter.type === undefined || typeMatches(filter.type, letter.event_type));
        if (fits && items.length === limit) {
          return { items, nextCursor: encodeCursor("dead-letters", mark, before!) };
        }
        before = id;
        if (fits) items.push(letter);
      }
      if (ids.length < CHUNK) return { items };
      await new Promise(setImmediate);
    }
    return { items, nextCursor: encodeCursor("dead-letters", mark, before!) };
  }

  remove(batch: Batch, letter: DeadLetter): void {
    const name = this.#catalogue.assign(FUNCTION, letter.function);
    const { deadLetters, deadLettersByFunction, holds } = this.#store;
    batch.remove(deadLetters, idKey([], letter.id));
    batch.remove(deadLettersByFunction, idKey(nameBytes(name), letter.id));
    batch.remove(holds, holdKey(letter.position, name, HOLD_DEAD));
    batch.delta.deadLetters -= 1;
  }

  #idsBefore(name: number | undefined, before: string | undefined): string[] {
    const prefix = name === undefined ? [] : nameBytes(name);
    const table = name === undefined ? this.#store.deadLetters : this.#store.deadLettersByFunction;
    const start = before === undefined ? afterPrefix(Buffer.from(prefix)) : idKey(prefix, before);
    const keys = table.getKeys({
      ...(start === undefined ? {} : { start }),
      end: Buffer.from(prefix.length === 0 ? [0] : prefix),
      reverse: true,
      limit: CHUNK + 1,
    });
    const ids: string[] = [];
    for (const key of keys) {
      const id = key.toString("utf8", prefix.length);
      if (id !== before) ids.push(id);
    }
    return ids;
  }
}
