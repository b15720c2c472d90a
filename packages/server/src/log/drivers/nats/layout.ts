import type { NewEvent } from "../../../core/event.ts";
import type { Invocation } from "../../../core/invocation.ts";
import {
  escapedToken,
  token,
  typeFilter,
  typeTokens,
  unescapedToken,
  withoutCovered,
} from "./subjects.ts";

/** Where everything lies in NATS. docs/nats.md shows it to operators, who may look with any NATS tool. */
export class Layout {
  readonly prefix: string;
  readonly events: string;
  readonly records: string;
  readonly retries: string;
  readonly dead: string;
  readonly leases: string;
  readonly values: string;
  /** Only where an import was made. */
  readonly imports: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    const upper = prefix.toUpperCase().replaceAll(".", "_");
    this.events = `${upper}_EVENTS`;
    this.records = `${upper}_RECORDS`;
    this.retries = `${upper}_RETRIES`;
    this.dead = `${upper}_DEAD`;
    this.leases = `${upper}_LEASES`;
    this.values = `${upper}_STATE`;
    this.imports = `${upper}_IMPORTS`;
  }

  /**
   * One subject an event, so that the server itself refuses a second one of the same identity, and
   * finds it by its id; the type comes last, so that a prefix of it can be asked for.
   */
  event({ event, meta }: NewEvent): string {
    const target = meta.target === undefined ? ANYBODY : token(meta.target);
    return `${this.prefix}.ev.${target}.${token(event.id)}.${token(event.source)}.${typeTokens(event.type)}`;
  }

  /** A delivery that comes again: `nonce` is the run or the dead letter it comes from. */
  again(name: string, position: number, again: { nonce: string; type: string }): string {
    return `${this.prefix}.ev.${token(name)}.!${position}.${token(again.nonce)}.${typeTokens(again.type)}`;
  }

  /** Whether a message on this subject is addressed to a function. */
  isFor(name: string, subject: string): boolean {
    return subject.startsWith(`${this.prefix}.ev.${token(name)}.`);
  }

  /** Every event with this id, of this source if one is given. */
  eventById(id: string, source: string | undefined): string {
    return `${this.prefix}.ev.*.${token(id)}.${source === undefined ? "*" : token(source)}.>`;
  }

  /** Events of a source and of types that a pattern may take. */
  eventFilter(type: string | undefined, source: string | undefined): string {
    const types = type === undefined ? ">" : typeFilter(type);
    return `${this.prefix}.ev.*.*.${source === undefined ? "*" : token(source)}.${types}`;
  }

  /** What a function is to be asked about: events for everybody whose type fits, and all addressed to it. */
  subscription(name: string, patterns: readonly string[]): string[] {
    const types = patterns.map(
      (pattern) => `${this.prefix}.ev.${ANYBODY}.*.*.${typeFilter(pattern)}`,
    );
    return [...withoutCovered(types), `${this.prefix}.ev.${token(name)}.>`];
  }

  /** Events of these types, whoever they are for. */
  anybodysTypes(patterns: readonly string[]): string[] {
    return withoutCovered(
      patterns.map((pattern) => `${this.prefix}.ev.*.*.*.${typeFilter(pattern)}`),
    );
  }

  record({ position, id, function: name, status }: Invocation): string {
    return `${this.prefix}.rec.${position}.${token(id)}.${token(name)}.${status}`;
  }

  recordsOf(position: number, name?: string): string {
    return `${this.prefix}.rec.${position}.*.${name === undefined ? "*" : token(name)}.*`;
  }

  recordById(id: string): string {
    return `${this.prefix}.rec.*.${token(id)}.*.*`;
  }

  recordFilter(name: string | undefined, status: string | undefined): string {
    return `${this.prefix}.rec.*.*.${name === undefined ? "*" : token(name)}.${status ?? "*"}`;
  }

  /** The durable consumer that is a function's place in the log. */
  readonly consumer = (name: string): string => token(name);

  retry(kind: RetryKind | "*", name: string, position: number): string {
    return `${this.prefix}.retry.${kind}.${token(name)}.${position}`;
  }

  retriesOf(kind: RetryKind, name: string): string {
    return `${this.prefix}.retry.${kind}.${token(name)}.*`;
  }

  deadLetter(name: string, id: string): string {
    return `${this.prefix}.dead.${token(name)}.${token(id)}`;
  }

  deadById(id: string): string {
    return `${this.prefix}.dead.*.${token(id)}`;
  }

  deadFilter(name: string | undefined): string {
    return `${this.prefix}.dead.${name === undefined ? "*" : token(name)}.*`;
  }

  lease(name: string): string {
    return `${this.prefix}.lease.${token(name)}`;
  }

  /** One subject a key, from which the key can be read again: a list of keys is one of subjects. */
  value(namespace: string, key: string): string {
    return `${this.prefix}.state.${escapedToken(namespace)}.${escapedToken(key)}`;
  }

  valuesOf(namespace: string): string {
    return `${this.prefix}.state.${escapedToken(namespace)}.*`;
  }

  placeOfValue(subject: string): { readonly namespace: string; readonly key: string } {
    const [namespace, key] = subject.slice(this.prefix.length).split(".").slice(-2);
    return { namespace: unescapedToken(namespace!), key: unescapedToken(key!) };
  }

  /** What the last import has come to. */
  get import(): string {
    return `${this.prefix}.import`;
  }

  /** Where one process answers what others ask it. */
  node(id: string): string {
    return `${this.prefix}.node.${id}`;
  }
}

/** `free`: whoever is there brings it back when it is due. `kept`: it waits where it is, holding its key. */
export type RetryKind = "free" | "kept";

const ANYBODY = "_";
