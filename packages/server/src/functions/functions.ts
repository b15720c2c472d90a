import type { StoredEvent } from "../core/event.ts";
import type { FunctionVersion, Trigger } from "../core/function.ts";

/** The functions in service. What is handed out is frozen; a reload replaces it as a whole. */
export interface Functions {
  list(): readonly FunctionVersion[];
  get(name: string): FunctionVersion | undefined;
  /** Every function whose consumer takes this event, in order of name. */
  matching(event: StoredEvent): readonly FunctionVersion[];
  /** Every HTTP trigger in service, with its function. */
  httpTriggers(): readonly HttpTrigger[];
  /** The set in service now, and again each time it changes, until `signal` aborts. */
  changes(signal: AbortSignal): AsyncIterable<readonly FunctionVersion[]>;
}

export interface HttpTrigger {
  readonly function: FunctionVersion;
  readonly trigger: Extract<Trigger, { kind: "http" }>;
}

/** Modules by content. A version's module stays as long as its records may be replayed. */
export interface ModuleStore {
  /** Resolves with the sha256 when the module is durable. Keeping the same bytes again costs nothing. */
  put(bytes: Uint8Array): Promise<string>;
  /** Undefined if there is none of that name. The bytes are checked against the name. */
  get(sha256: string): Promise<Uint8Array | undefined>;
  /** The names of all there are, in order. */
  list(): Promise<readonly string[]>;
}
