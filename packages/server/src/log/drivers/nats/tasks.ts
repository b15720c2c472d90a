/** Work that nobody waits for until something ends. It must not reject: a rejection is a bug. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();

  get size(): number {
    return this.#running.size;
  }

  start(work: Promise<void>): void {
    const task = work.finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Resolves when none is under way any more. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
