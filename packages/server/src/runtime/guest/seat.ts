import { SEAT, type ControlViews, type RunEnd } from "../protocol.ts";
import { INPUT, INPUT_HEADER_BYTES, type SeatBuffers } from "../seat.ts";
import type { Strings } from "./context.ts";
import type { HostBell } from "./host-bell.ts";
import { Journal } from "./journal.ts";

/** The guest's side of a seat: the run it holds, and what has become of it. */
export class Seat {
  readonly index: number;
  readonly #views: ControlViews;
  readonly #bell: HostBell;
  #buffers: SeatBuffers | undefined;
  #header: Int32Array = new Int32Array(0);
  #bytes: Uint8Array = new Uint8Array(0);
  #journal: Journal | undefined;

  constructor(index: number, views: ControlViews, bell: HostBell) {
    this.index = index;
    this.#views = views;
    this.#bell = bell;
  }

  /** Whether the buffers it has are those that the host wrote to. */
  get current(): boolean {
    return this.#buffers?.generation === Atomics.load(this.#views.generation, this.index);
  }

  exchange(buffers: SeatBuffers): void {
    this.#buffers = buffers;
    this.#header = new Int32Array(buffers.input, 0, INPUT_HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(buffers.input);
    this.#journal = new Journal(buffers.journal);
  }

  get journal(): Journal {
    return this.#journal!;
  }

  /** Which module it runs. */
  get id(): number {
    return this.#header[INPUT.id]!;
  }

  get reservedPages(): number {
    return this.#header[INPUT.reservedPages]!;
  }

  get supervisedMs(): number {
    return this.#header[INPUT.supervisedMs]!;
  }

  get env(): Strings {
    const at = INPUT_HEADER_BYTES;
    return this.#strings(INPUT.envCount, at, this.#header[INPUT.envBytes]!);
  }

  get args(): Strings {
    const at = INPUT_HEADER_BYTES + this.#header[INPUT.envBytes]!;
    return this.#strings(INPUT.argsCount, at, this.#header[INPUT.argsBytes]!);
  }

  get stdin(): Uint8Array {
    const at = INPUT_HEADER_BYTES + this.#header[INPUT.envBytes]! + this.#header[INPUT.argsBytes]!;
    return this.#bytes.subarray(at, at + this.#header[INPUT.stdinBytes]!);
  }

  get tapeMode(): number {
    return this.#header[INPUT.tapeMode]!;
  }

  /** To be replayed. */
  get tape(): Uint8Array {
    const header = this.#header;
    const at =
      INPUT_HEADER_BYTES +
      header[INPUT.envBytes]! +
      header[INPUT.argsBytes]! +
      header[INPUT.stdinBytes]!;
    return this.#bytes.subarray(at, at + header[INPUT.tapeBytes]!);
  }

  /** Of a tape that is followed: milliseconds since the Unix epoch. */
  get tapeStartedAt(): number {
    return new Float64Array(this.#header.buffer, INPUT.tapeStartedAt * 4, 1)[0]!;
  }

  /** A number that no other run of the thread has. */
  get run(): number {
    return this.#header[INPUT.run]!;
  }

  get secrets(): Strings {
    const header = this.#header;
    const at =
      INPUT_HEADER_BYTES +
      header[INPUT.envBytes]! +
      header[INPUT.argsBytes]! +
      header[INPUT.stdinBytes]! +
      header[INPUT.tapeBytes]!;
    return this.#strings(INPUT.secretsCount, at, header[INPUT.secretsBytes]!);
  }

  #strings(count: number, at: number, bytes: number): Strings {
    return { count: this.#header[count]!, bytes: this.#bytes.subarray(at, at + bytes) };
  }

  /** False where the host has taken the run back. */
  begin(startedAt: number): boolean {
    this.#views.startedAt[this.index] = startedAt;
    this.#views.runningSince[this.index] = startedAt;
    // Until it is noted: counted from the last run's, it would seem to have used up its time already.
    this.#views.cpuBase[this.index] = Infinity;
    this.journal.clear();
    if (this.#changes(SEAT.waiting, SEAT.running)) return true;
    this.free();
    return false;
  }

  noteCpuBase(ms: number): void {
    this.#views.cpuBase[this.index] = ms;
  }

  /** For what the thread has done while the run was suspended. */
  addToCpuBase(ms: number): void {
    this.#views.cpuBase[this.index]! += ms;
  }

  suspend(): void {
    // The host has ended this run, and is about to end the thread: nothing may go on here.
    if (!this.#changes(SEAT.running, SEAT.suspended)) this.#haltedForEver();
  }

  /** False where the host has ended the run meanwhile. */
  resume(now: number): boolean {
    this.#views.runningSince[this.index] = now;
    return this.#changes(SEAT.suspended, SEAT.running);
  }

  get halted(): boolean {
    return Atomics.load(this.#views.state, this.index) === SEAT.halted;
  }

  end(end: RunEnd, durationMs: number, suspendedMs: number): void {
    this.journal.noteEnd(end, durationMs, suspendedMs);
    // The host has ended this run and is about to end the thread; the journal is the host's to read.
    if (!this.#changes(SEAT.running, SEAT.done)) this.#haltedForEver();
    this.#bell.due();
  }

  /** For the next run. */
  free(): void {
    Atomics.store(this.#views.state, this.index, SEAT.free);
    this.#bell.due();
  }

  #changes(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#views.state, this.index, from, to) === from;
  }

  #haltedForEver(): never {
    for (;;) Atomics.wait(this.#views.state, this.index, SEAT.halted);
  }
}
