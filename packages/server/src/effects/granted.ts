import { idempotencyKey } from "../core/ids.ts";
import { formatTraceparent } from "../core/trace.ts";
import type { StateStore } from "../log/state.ts";
import type { HostAnswer, HostCall, HostCalls } from "../runtime/host-calls.ts";
import { refused } from "./answers.ts";
import type { Effects, EffectsRun } from "./effects.ts";
import { Fetches } from "./fetch.ts";
import { answerKv } from "./kv.ts";

export interface EffectsOptions {
  readonly state: StateStore;
  /** All that the platform was given, by name; a function sees those it is granted. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The real world, as far as each version's grants reach. */
export function grantedEffects(options: EffectsOptions): Effects {
  return {
    callsFor(run) {
      const { kv, fetch } = run.version.grants ?? {};
      return kv === undefined && fetch === undefined ? undefined : new RunCalls(run, options);
    },

    secretsFor({ grants }) {
      const names = grants?.secrets?.filter((name) => Object.hasOwn(options.secrets, name));
      if (names === undefined || names.length === 0) return undefined;
      return Object.fromEntries(names.map((name) => [name, options.secrets[name]!]));
    },
  };
}

/** What answers one run. */
class RunCalls implements HostCalls {
  readonly #run: EffectsRun;
  readonly #options: EffectsOptions;
  readonly #fetches: Fetches | undefined;

  constructor(run: EffectsRun, options: EffectsOptions) {
    const { version, event, trace } = run;
    const grant = version.grants?.fetch;
    this.#run = run;
    this.#options = options;
    this.#fetches =
      grant === undefined
        ? undefined
        : new Fetches({
            grant,
            idempotencyKey: idempotencyKey(version.name, event.event.source, event.event.id),
            traceparent: formatTraceparent(trace),
          });
  }

  async answer(call: HostCall, signal: AbortSignal): Promise<HostAnswer> {
    const { name, grants = {} } = this.#run.version;
    if (call.name === "fetch") return (await this.#fetches?.answer(call, signal)) ?? NOT_GRANTED;
    if (grants.kv === undefined) return NOT_GRANTED;
    const { state, now } = this.#options;
    return answerKv(call, { state, function: name, now });
  }
}

// No module gets so far: what is not granted is not there to be imported.
const NOT_GRANTED = refused("acces", "it is not granted");
