import type { HostAnswer, HostCall } from "../host-calls.ts";
import type { FromGuest } from "../protocol.ts";
import type { Seat } from "./seat.ts";

/** A question under way. */
export interface Question {
  readonly answered: Promise<HostAnswer>;
  /** Nobody waits for it any more. */
  drop(): void;
}

/** What the runs of this thread have asked the host and not been told yet. */
export class Questions {
  readonly #send: (message: FromGuest) => void;
  readonly #waiting = new Map<number, (answer: HostAnswer) => void>();
  #lastId = 0;

  constructor(send: (message: FromGuest) => void) {
    this.#send = send;
  }

  get any(): boolean {
    return this.#waiting.size > 0;
  }

  ask({ index, run }: Seat, call: HostCall): Question {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<HostAnswer>();
    this.#waiting.set(id, resolve);
    this.#send({ kind: "ask", id, seat: index, run, call });
    return { answered: promise, drop: () => void this.#waiting.delete(id) };
  }

  /** Never to be called while a run holds the thread: the one that has asked goes on in the same turn. */
  answer(id: number, answer: HostAnswer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}
