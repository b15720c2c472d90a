import { SlotMap } from "../../slot-map.ts";

/** Does what has the same name one by one, in the order it was asked for, and the rest side by side. */
export class OneByOne {
  readonly #last = new SlotMap<Promise<unknown>, string>();

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
