import { NexusError } from "../core/errors.ts";
import type { NewEvent } from "../core/event.ts";
import type { FunctionVersion } from "../core/function.ts";
import type { Delivery, Settlement } from "../log/log.ts";
import { runAttempt, type Attempt } from "./attempt.ts";
import type { DispatchDeps } from "./dispatcher.ts";
import { orderKeyAt } from "./order.ts";
import { invocationRecord, triggerOf } from "./record.ts";
import { nextStep } from "./retry.ts";
import { settleDurably } from "./settle.ts";
import { Slots } from "./slots.ts";

/**
 * Serves one version of one function: takes its deliveries from the log, runs them, settles them. A
 * new version gets a runner of its own; the old one is retired and finishes what it began.
 */
export class FunctionRunner {
  readonly version: FunctionVersion;
  readonly slots: Slots;
  readonly #deps: DispatchDeps;
  readonly #retired = new AbortController();
  #held = 0;
  #idle: (() => void) | undefined;
  #consuming: Promise<void> | undefined;

  constructor(version: FunctionVersion, deps: DispatchDeps) {
    this.version = version;
    this.slots = new Slots(version.concurrency);
    this.#deps = deps;
  }

  /** Begins to take deliveries. A failing log ends the process (rule: a bug is not an error). */
  start(): void {
    this.#consuming ??= this.#consume();
  }

  /** Takes nothing new; what runs goes on. */
  retire(): void {
    this.#retired.abort();
  }

  /** Resolves when nothing of this version runs any more, after `retire`. */
  async drained(): Promise<void> {
    await this.#consuming;
    while (this.#held > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** Keeps this runner from being drained until the work has ended. */
  hold<T>(work: Promise<T>): Promise<T> {
    this.begin();
    return work.finally(() => this.end());
  }

  /** Keeps this runner from being drained until `end`, to be called exactly once. */
  begin(): void {
    this.#held += 1;
  }

  end(): void {
    this.#held -= 1;
    if (this.#held === 0) this.#idle?.();
  }

  async #consume(): Promise<void> {
    const { version } = this;
    const subscription = {
      name: version.name,
      patterns: version.triggers.flatMap((t) => (t.kind === "event" ? [t.pattern] : [])),
      patternsOnly: version.triggers.every(({ kind }) => kind === "event"),
      concurrency: version.concurrency,
      start: version.start,
      ...(version.orderBy === undefined ? {} : { orderKey: orderKeyAt(version.orderBy) }),
    };
    for await (const delivery of this.#deps.log.consume(subscription, this.#retired.signal)) {
      void this.hold(this.#deliver(delivery)); // a rejection here is a bug, and ends the process
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { meter } = this.#deps.telemetry;
    const { stored, attempt } = delivery;
    if (!this.slots.tryTake()) await this.slots.take();
    meter.deliveryStarted(this.version.name, this.#deps.now() - stored.acceptedAt);
    let done: Attempt;
    try {
      done = await this.run(stored, attempt);
    } catch (error) {
      // Stopping: the delivery stays as it is, and is handed out again after the restart.
      if (error instanceof NexusError && error.code === "SHUTTING_DOWN") return;
      throw error;
    } finally {
      this.slots.release();
    }
    await this.#settle(delivery, done);
  }

  /** One attempt, as the event's own trigger says. The caller holds a slot. */
  run(event: NewEvent, attempt: number): Promise<Attempt> {
    return runAttempt(
      {
        event,
        version: this.version,
        attempt,
        trigger: triggerOf(event),
        chainDepth: this.#deps.settings().chainDepth,
        maxEventBytes: this.#deps.log.maxEventBytes,
      },
      this.#deps,
    );
  }

  async #settle(delivery: Delivery, done: Attempt): Promise<void> {
    const { now, random } = this.#deps;
    const next = nextStep(done, this.version.retry, now(), random);
    const invocation = invocationRecord(done, {
      position: delivery.stored.position,
      delivery: next.state,
      ...(next.state === "retry" ? { retryAt: next.at } : {}),
    });
    const { emitted, recording } = done;
    await this.settle(delivery, {
      invocation,
      ...(recording === undefined ? {} : { recording }),
      emitted,
      next,
    });
  }

  /** Settles however long it takes, and counts it; until then the runner is not drained. */
  async settle(delivery: Delivery, settlement: Settlement): Promise<void> {
    const { log, telemetry, stopSignal } = this.#deps;
    const { logger, meter } = telemetry;
    this.begin();
    try {
      const options = { logger, signal: stopSignal };
      if (!(await settleDurably(log, delivery, settlement, options))) return;
    } finally {
      this.end();
    }
    meter.deliveryEnded(this.version.name, settlement.next.state);
    if (settlement.emitted.length > 0) {
      meter.eventAccepted("emit", "accepted", settlement.emitted.length);
    }
    if (settlement.next.state === "dead") {
      logger.error("Delivery is dead: its attempts are used up", {
        function: this.version.name,
        event_id: delivery.stored.event.id,
        attempt: delivery.attempt,
        error: settlement.next.error.message,
      });
    }
  }
}
