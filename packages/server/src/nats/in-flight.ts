/** Work under way, counted and bounded. A rejection of it is a bug, and ends the process. */
export class InFlight {
  readonly #max: number;
  #count = 0;
  #changed = Promise.withResolvers<void>();

  constructor(max: number) {
    this.#max = max;
  }

  get full(): boolean {
    return this.#count >= this.#max;
  }

  add(work: Promise<void>): void {
    this.#count += 1;
    void work.finally(() => {
      this.#count -= 1;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.full) await this.#changed.promise;
  }

  /** Resolves when nothing is under way. */
  async none(): Promise<void> {
    while (this.#count > 0) await this.#changed.promise;
  }
}
