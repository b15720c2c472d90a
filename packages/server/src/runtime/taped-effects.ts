import { callsOn, type TapedCall, type TapedPart } from "./taped-call.ts";

/** A host call that does something to the world, for people and for comparing. */
export interface TapedEffect {
  /** `kv.set`: as docs name it. */
  readonly kind: string;
  /** A key; a method and an address. */
  readonly summary: string;
  /** What is written or sent. Where a tape has the hash of that only, `sha256:<hex>`. */
  readonly content: Uint8Array;
}

/** What a run did to the world by calls that the host answered, in order, as far as its tape says. */
export function effectsOn(tape: Uint8Array): readonly TapedEffect[] {
  return callsOn(tape).flatMap((call) => effectOf(call) ?? []);
}

/** Undefined: it only reads. */
function effectOf({ name, parts }: TapedCall): TapedEffect | undefined {
  const [first, second, third] = parts;
  switch (name) {
    case "kv_get":
    case "kv_list":
      return undefined;
    case "kv_set":
      return { kind: "kv.set", summary: textOf(first!), content: bytesOf(second!) };
    case "kv_delete":
      return { kind: "kv.delete", summary: textOf(first!), content: new Uint8Array(0) };
    case "fetch":
      return { kind: "fetch", summary: textOf(first!), content: requestOf(second!, third!) };
  }
}

function requestOf(headers: TapedPart, body: TapedPart): Uint8Array {
  const request = {
    ...(headers.length === 0 ? {} : { headers: textOf(headers) }),
    ...(body.length === 0 ? {} : { body: valueOf(textOf(body)) }),
  };
  return Buffer.from(JSON.stringify(request));
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function bytesOf(part: TapedPart): Uint8Array {
  return part.hashed ? Buffer.from(textOf(part)) : part.bytes.slice();
}

function textOf({ hashed, bytes }: TapedPart): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return hashed ? `sha256:${buffer.toString("hex")}` : buffer.toString();
}
