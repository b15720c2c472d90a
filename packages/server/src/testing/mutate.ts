// Damages modules, in ways that get past each of the gates: the frame, the sections, V8's validation.

type Random = (below: number) => number;

/** The module as it is with one to three damages. */
export function mutant(module: Uint8Array, random: Random): Uint8Array {
  let bytes = module;
  for (let left = 1 + random(3); left > 0; left -= 1) {
    bytes = random(3) === 0 ? damage(bytes, random, HEADER_BYTES) : inSection(bytes, random);
  }
  return bytes;
}

const HEADER_BYTES = 8;

/** LEB128 at its edges: the most and the least of 32 and 33 bits and of 64, too long, without an end. */
const EDGES: readonly (readonly number[])[] = [
  [0x00],
  [0x7f],
  [0x80, 0x00],
  [0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x78],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

/** One damage somewhere from `from` on. */
function damage(bytes: Uint8Array, random: Random, from: number): Uint8Array {
  if (bytes.length <= from) return bytes;
  const at = from + random(bytes.length - from);
  const length = 1 + random(random(4) === 0 ? 64 : 4);
  switch (random(7)) {
    case 0:
      return spliced(bytes, at, { remove: 1, insert: [bytes[at]! ^ (1 << random(8))] });
    case 1:
      return spliced(bytes, at, { remove: 1, insert: [random(256)] });
    case 2:
      return spliced(bytes, at, { remove: 0, insert: Array.from({ length }, () => random(256)) });
    case 3:
      return spliced(bytes, at, { remove: length, insert: [] });
    case 4: // a range again, here or elsewhere
      return spliced(bytes, from + random(bytes.length - from), {
        remove: random(2) === 0 ? 0 : length,
        insert: bytes.subarray(at, at + length),
      });
    case 5: {
      const edge = EDGES[random(EDGES.length)]!;
      return spliced(bytes, at, { remove: random(2) === 0 ? edge.length : 1, insert: edge });
    }
    default:
      return bytes.subarray(0, random(8) === 0 ? at : bytes.length);
  }
}

function spliced(
  bytes: Uint8Array,
  at: number,
  change: { readonly remove: number; readonly insert: Uint8Array | readonly number[] },
): Uint8Array {
  const rest = bytes.subarray(Math.min(at + change.remove, bytes.length));
  const all = new Uint8Array(at + change.insert.length + rest.length);
  all.set(bytes.subarray(0, at));
  all.set(change.insert, at);
  all.set(rest, at + change.insert.length);
  return all;
}

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

/** A damage inside a section, or to one as a whole, with lengths that are right after it. */
function inSection(bytes: Uint8Array, random: Random): Uint8Array {
  const sections = sectionsOf(bytes);
  if (sections === undefined || sections.length === 0) return damage(bytes, random, HEADER_BYTES);
  const at = random(sections.length);
  const other = random(sections.length);
  const { id, content } = sections[at]!;
  switch (random(8)) {
    case 0: {
      const moved = sections.toSpliced(at, 1);
      return withSections(bytes, moved.toSpliced(other, 0, sections[at]!));
    }
    case 1:
      return withSections(bytes, sections.toSpliced(at, 1));
    case 2:
      return withSections(bytes, sections.toSpliced(at, 0, sections[other]!));
    case 3:
      return withSections(bytes, sections.with(at, { id: random(15), content }));
    default: {
      const damaged = id === CODE ? inBody(content, random) : damage(content, random, 0);
      return withSections(bytes, sections.with(at, { id, content: damaged }));
    }
  }
}

const CODE = 10;

/** A damage inside one function's body. */
function inBody(code: Uint8Array, random: Random): Uint8Array {
  const count = numberAt(code, 0);
  if (count === undefined || count.value === 0) return damage(code, random, 0);
  let at = count.end;
  for (let left = random(Math.min(count.value, 10_000)); left > 0; left -= 1) {
    const length = numberAt(code, at);
    if (length === undefined) return damage(code, random, 0);
    at = length.end + length.value;
  }
  const length = numberAt(code, at);
  if (length === undefined) return damage(code, random, 0);
  const body = damage(code.subarray(length.end, length.end + length.value), random, 0);
  const remove = length.end - at + length.value;
  return spliced(code, at, { remove, insert: [...leb(body.length), ...body] });
}

/** Undefined where the frame is damaged already. */
function sectionsOf(bytes: Uint8Array): Section[] | undefined {
  const sections: Section[] = [];
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const length = numberAt(bytes, at + 1);
    if (length === undefined || length.end + length.value > bytes.length) return undefined;
    const end = length.end + length.value;
    sections.push({ id: bytes[at]!, content: bytes.subarray(length.end, end) });
    at = end;
  }
  return sections;
}

function withSections(bytes: Uint8Array, sections: readonly Section[]): Uint8Array {
  const parts = sections.flatMap(({ id, content }) => [[id, ...leb(content.length)], content]);
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, HEADER_BYTES));
  all.set(bytes.subarray(0, HEADER_BYTES));
  let at = HEADER_BYTES;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function numberAt(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: start + index + 1 };
  }
  return undefined;
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
