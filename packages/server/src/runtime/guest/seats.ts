import { controlViews, queuePlace, SEATS, type ControlViews, type GuestData } from "../protocol.ts";
import type { SeatBuffers } from "../seat.ts";
import type { HostBell } from "./host-bell.ts";
import { Seat } from "./seat.ts";

/** The seats of this thread, and the order in which their runs are to be made. */
export class Seats {
  readonly #views: ControlViews;
  readonly #seats: readonly Seat[];
  /** Runs taken from the queue so far. */
  #taken = 0;
  /** The rings at the last look: what comes later ends every wait. */
  #heard = 0;

  constructor({ control }: GuestData, bell: HostBell) {
    this.#views = controlViews(control);
    this.#seats = Array.from({ length: SEATS }, (_, index) => new Seat(index, this.#views, bell));
  }

  exchange(seat: number, buffers: SeatBuffers): void {
    this.#seats[seat]!.exchange(buffers);
  }

  /** The seat whose run is next. What the host does after this look ends the waits below. */
  take(): Seat | undefined {
    this.#heard = Atomics.load(this.#views.rings, 0);
    const end = Atomics.load(this.#views.queueEnd, 0);
    if (end === this.#taken) return undefined;
    const seat = this.#seats[Atomics.load(this.#views.queue, queuePlace(this.#taken))]!;
    this.#taken = (this.#taken + 1) | 0;
    return seat;
  }

  /** Holds the thread until something comes, no longer than `ms`; whether something came. */
  wait(ms: number): boolean {
    return Atomics.wait(this.#views.rings, 0, this.#heard, ms) !== "timed-out";
  }

  /** Resolves when something comes. */
  async rung(): Promise<void> {
    const waiting = Atomics.waitAsync(this.#views.rings, 0, this.#heard);
    if (waiting.async) await waiting.value;
  }
}
