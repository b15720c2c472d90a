/**
 * An event: the context attributes of CloudEvents 1.0, and the whole event in the JSON event format.
 * Identity is `source` + `id`. Frozen, plain data: it goes through threads and onto disks.
 */
export interface NexusEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. Always there: the time of acceptance where the producer gave none. */
  readonly time: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  /** Extension attributes, lower-case names. */
  readonly extensions: Readonly<Record<string, string | number | boolean>>;
  /** The event in the CloudEvents JSON event format, UTF-8. This is what a function reads on stdin. */
  readonly json: Uint8Array;
}

/** What the platform keeps beside an event; no part of the CloudEvent itself. */
export interface EventMeta {
  /** W3C Trace Context of the request that brought the event; deliveries continue it. */
  readonly traceparent: string;
  /** How many emitted events lie between this one and the first of its chain; 0 for one from outside. */
  readonly depth: number;
  /** The one function this event is addressed to (HTTP and cron triggers); absent: type patterns decide. */
  readonly target?: string;
}

/** An event about to be appended. */
export interface NewEvent {
  readonly event: NexusEvent;
  readonly meta: EventMeta;
  /** Its id was made here, for it alone (`uuidv7`): no log can hold it yet, and none needs to look. */
  readonly freshId?: boolean;
}

/** An event at rest. */
export interface StoredEvent {
  readonly event: NexusEvent;
  readonly meta: EventMeta;
  /** Order of acceptance: whole, rising, never used twice; gaps are possible. From 1. */
  readonly position: number;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
}

/** The JSON value of the whole event: attributes and `data` as JSON members. Parses on every call. */
export function eventValue(event: NexusEvent): Readonly<Record<string, unknown>> {
  return JSON.parse(decoder.decode(event.json)) as Record<string, unknown>;
}

const decoder = new TextDecoder();
