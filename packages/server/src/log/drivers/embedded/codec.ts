import type { NewEvent, NexusEvent, StoredEvent } from "../../../core/event.ts";

// An event's value: when it was accepted (8 bytes), how long the head is (4 bytes), the head, then the
// event's own JSON, untouched. The head repeats the attributes, so that no reader has to parse the data.
const FIXED = 12;

type Head = readonly [
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

export function encodeEvent({ event, meta }: NewEvent, acceptedAt: number): Buffer {
  const text = JSON.stringify(headOf(event, meta));
  const size = Buffer.byteLength(text);
  const value = Buffer.allocUnsafe(FIXED + size + event.json.length);
  value.writeDoubleLE(acceptedAt, 0);
  value.writeUInt32LE(size, 8);
  value.write(text, FIXED);
  value.set(event.json, FIXED + size);
  return value;
}

export function decodeEvent(position: number, value: Buffer): StoredEvent {
  const size = value.readUInt32LE(8);
  const head = JSON.parse(value.toString("utf8", FIXED, FIXED + size)) as Head;
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
    json: value.subarray(FIXED + size),
  };
  const meta = target === 0 ? { traceparent, depth } : { traceparent, depth, target };
  return Object.freeze({
    event: Object.freeze(event),
    meta: Object.freeze(meta),
    position,
    acceptedAt: acceptedAtOf(value),
  });
}

/** Reads nothing but the time. */
export function acceptedAtOf(value: Buffer): number {
  return value.readDoubleLE(0);
}

function headOf(event: NexusEvent, meta: NewEvent["meta"]): Head {
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
