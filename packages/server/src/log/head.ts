import type { EventMeta, NewEvent, NexusEvent, StoredEvent } from "../core/event.ts";

/**
 * An event's attributes and meta beside its own JSON, so that no reader has to parse the data. What is
 * absent at the end is left out, what is absent before that is 0.
 */
export type Head = readonly [
  traceparent: string,
  depth: number,
  target: string | 0,
  id: string,
  source: string,
  type: string,
  time: string,
  subject?: string | 0,
  datacontenttype?: string | 0,
  dataschema?: string | 0,
  extensions?: NexusEvent["extensions"],
];

export function headOf({ event, meta }: NewEvent): Head {
  const { id, source, type, time, subject, datacontenttype, dataschema, extensions } = event;
  return [
    meta.traceparent,
    meta.depth,
    meta.target ?? 0,
    id,
    source,
    type,
    time,
    subject ?? 0,
    datacontenttype ?? 0,
    dataschema ?? 0,
    extensions,
  ];
}

/** The stored event of a head, its JSON and where and when it was kept. Frozen. */
export function storedOf(
  head: Head,
  rest: { readonly json: Uint8Array; readonly position: number; readonly acceptedAt: number },
): StoredEvent {
  const [traceparent, depth, target, id, source, type, time, subject, content, schema, ext] = head;
  const event: NexusEvent = {
    id,
    source,
    type,
    ...(subject ? { subject } : {}),
    time,
    ...(content ? { datacontenttype: content } : {}),
    ...(schema ? { dataschema: schema } : {}),
    extensions: Object.freeze(ext ?? {}),
    json: rest.json,
  };
  const meta: EventMeta = target === 0 ? { traceparent, depth } : { traceparent, depth, target };
  return Object.freeze({
    event: Object.freeze(event),
    meta: Object.freeze(meta),
    position: rest.position,
    acceptedAt: rest.acceptedAt,
  });
}
