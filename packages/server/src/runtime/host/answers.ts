import { ERRNO } from "../errno.ts";
import type { HostAnswer, HostCall, HostCalls } from "../host-calls.ts";
import type { ToGuest } from "../protocol.ts";

export interface Asked {
  readonly id: number;
  readonly call: HostCall;
  readonly by: HostCalls | undefined;
}

/** Has host calls answered for the runs in a thread's seats, for as long as these go on. */
export class Answers {
  readonly #send: (message: ToGuest) => void;
  /** By seat, from its run's first call on. */
  readonly #underWay: (AbortController | undefined)[] = [];

  constructor(send: (message: ToGuest) => void) {
    this.#send = send;
  }

  answer(seat: number, asked: Asked): void {
    const { signal } = (this.#underWay[seat] ??= new AbortController());
    void this.#answer(asked, signal); // rejects only for a bug, which ends the process
  }

  async #answer({ id, call, by }: Asked, signal: AbortSignal): Promise<void> {
    const answer = by === undefined ? NOBODY : await by.answer(call, signal);
    if (!signal.aborted) this.#send({ kind: "answer", id, answer });
  }

  /** The run in the seat has ended: what it asked is not to be answered any more. */
  end(seat: number): void {
    this.#underWay[seat]?.abort();
    this.#underWay[seat] = undefined;
  }
}

const NOBODY: HostAnswer = {
  errno: ERRNO.nosys,
  payload: new TextEncoder().encode("nobody answers host calls here"),
};
