/** Columns a text takes on a terminal. Colour codes take none, wide characters two. */
export function widthOf(text: string): number {
  const plain = text.includes(ESCAPE) ? text.replaceAll(COLOUR, "") : text;
  if (PRINTABLE_ASCII.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemesOf(plain)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The beginning of a plain text that fits, with `…` where something is missing. */
export function fitEnd(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${take([...graphemesOf(text)].map(segmentOf), width - 1)}…`;
}

/** The beginning and the end of a plain text, with `…` between: for ids and paths. */
export function fitMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const segments = [...graphemesOf(text)].map(segmentOf);
  const head = take(segments, Math.ceil((width - 1) / 2));
  const tail = take(segments.toReversed(), Math.floor((width - 1) / 2), (a, b) => b + a);
  return `${head}…${tail}`;
}

/**
 * A text with nothing in it that could steer a terminal: what a function, a client or a file says is
 * shown, not obeyed. Line feeds and tabs stay where `multiline`.
 */
export function visible(text: string, multiline = false): string {
  return text.replaceAll(UNSAFE, (character) => {
    if (character === "\n") return multiline ? "\n" : "\\n";
    if (character === "\t") return multiline ? "\t" : "\\t";
    if (character === "\r") return "\\r";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The words of a text in lines of at most `width` columns; a longer word stands alone, whole. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  // Spaces inside a line stay as they are; those where it breaks go.
  for (const [, space = "", word = ""] of text.matchAll(/( *)([^ ]+)/g)) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + space.length + widthOf(word) > width)
      lines.push(word);
    else lines[lines.length - 1] = last + space + word;
  }
  return lines;
}

/** Every line with `margin` in front; empty lines stay empty. */
export function indent(text: string, margin: string): string {
  return text.replaceAll(/^(?=.)/gm, margin);
}

/** `1 event`, `2 events`, `0 deliveries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

function take(
  segments: readonly string[],
  width: number,
  join = (taken: string, next: string) => taken + next,
): string {
  let taken = "";
  let left = width;
  for (const segment of segments) {
    left -= WIDE.test(segment) ? 2 : 1;
    if (left < 0) break;
    taken = join(taken, segment);
  }
  return taken;
}

// Made each time: the first one costs 10 ms and more, and most commands need none.
function graphemesOf(text: string): Intl.Segments {
  return new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text);
}

function segmentOf({ segment }: Intl.SegmentData): string {
  return segment;
}

const ESCAPE = "\u001b";
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g");
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

// East Asian wide and full-width blocks (UAX 11), and emoji.
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

// Control characters, and those that reorder or break a line.
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
