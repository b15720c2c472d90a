/** A number as LEB128, as WebAssembly writes lengths and indices. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** A number as signed LEB128, as constants are written. */
export function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = ((rest % 128) + 128) % 128;
    rest = Math.floor(rest / 128);
    const last = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

export function text(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  return [...leb(bytes.length), ...bytes];
}

export type Chunk = Uint8Array | readonly number[];

export function byteLength(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

export function join(chunks: readonly Chunk[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(byteLength(chunks));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
