import type { Msg, Subscription } from "@nats-io/transport-node";
import { NexusError } from "../core/errors.ts";
import type { FunctionVersion } from "../core/function.ts";
import { subjectsOverlap } from "../core/subjects.ts";
import { InFlight } from "./in-flight.ts";
import { refuse, takeRaw, type RawDeps } from "./raw.ts";

export interface RawSubscriptionsDeps extends RawDeps {
  /** In front of the names of queue groups: two platforms on one NATS take no messages from each other. */
  readonly prefix: string;
}

/** NATS keeps nothing back for who falls behind: what is over one of these is refused. */
const MAX_IN_FLIGHT = 10_000;
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;

const LOG_EVERY_MS = 1000;

/**
 * A NATS subscription for each `on.nats` trigger in service, in a queue group of its function: of all
 * nodes one gets each message, once, even where several of a function's subjects take it.
 */
export class RawSubscriptions {
  readonly #deps: RawSubscriptionsDeps;
  readonly #open = new Map<string, Subscription>();
  readonly #draining = new Set<Promise<void>>();
  readonly #inFlight = new InFlight(MAX_IN_FLIGHT);
  #bytes = 0;
  #refused = 0;
  #toldAt = -Infinity;

  constructor(deps: RawSubscriptionsDeps) {
    this.#deps = deps;
  }

  /**
   * Subscribes to what these versions name, and to nothing else; never to subjects of the platform's own, where
   * each run would bring about the next. What has come already is still taken.
   */
  serve(versions: readonly FunctionVersion[]): void {
    const own = `${this.#deps.prefix}.>`;
    const triggers = versions
      .flatMap(triggersOf)
      .filter((one) => !subjectsOverlap(one.subject, own));
    const wanted = new Map(triggers.map((one) => [keyOf(one), one]));
    for (const [key, subscription] of this.#open) {
      if (wanted.has(key) && !subscription.isClosed()) continue;
      this.#open.delete(key);
      if (!subscription.isClosed()) this.#drain(subscription);
    }
    for (const [key, trigger] of wanted) {
      if (!this.#open.has(key)) this.#open.set(key, this.#subscribe(trigger));
    }
  }

  /** Takes nothing new; resolves when what has come was taken. */
  async stop(): Promise<void> {
    if (!this.#deps.connection.isClosed()) this.serve([]);
    await Promise.all(this.#draining);
    await this.#inFlight.none();
  }

  #subscribe({ name, subject }: NatsTrigger): Subscription {
    const { connection, prefix, telemetry } = this.#deps;
    return connection.subscribe(subject, {
      queue: `${prefix}-${name}`,
      callback: (error, message) => {
        if (error === null) {
          this.#take(message, name);
          return;
        }
        telemetry.logger.error("Cannot take the messages of a NATS subject", {
          subject,
          function: name,
          error: error.message,
        });
      },
    });
  }

  #take(message: Msg, name: string): void {
    const { length } = message.data;
    if (this.#inFlight.full || this.#bytes + length > MAX_IN_FLIGHT_BYTES) {
      this.#refuse(message, name);
      return;
    }
    this.#bytes += length;
    this.#inFlight.add(
      takeRaw({ message, name }, this.#deps).finally(() => (this.#bytes -= length)),
    );
  }

  // One line a second: a flood of messages must not become a flood of lines.
  #refuse(message: Msg, name: string): void {
    const { telemetry, now } = this.#deps;
    refuse(
      message,
      new NexusError(
        "OVERLOADED",
        `Cannot run function "${name}": ${MAX_IN_FLIGHT} NATS messages or ${MAX_IN_FLIGHT_BYTES} bytes of them are under way`,
      ),
      this.#deps,
    );
    telemetry.meter.eventRejected("OVERLOADED");
    this.#refused += 1;
    if (now() - this.#toldAt < LOG_EVERY_MS) return;
    telemetry.logger.error("NATS messages come faster than they can be taken: refused", {
      subject: message.subject,
      function: name,
      messages: this.#refused,
    });
    this.#refused = 0;
    this.#toldAt = now();
  }

  #drain(subscription: Subscription): void {
    // A connection that is lost meanwhile has nothing left to drain.
    const drained = subscription
      .drain()
      .catch(() => undefined)
      .finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }
}

interface NatsTrigger {
  readonly name: string;
  readonly subject: string;
}

function triggersOf({ name, triggers }: FunctionVersion): NatsTrigger[] {
  return triggers.flatMap((trigger) =>
    trigger.kind === "nats" ? [{ name, subject: trigger.subject }] : [],
  );
}

function keyOf({ name, subject }: NatsTrigger): string {
  return `${name} ${subject}`;
}
