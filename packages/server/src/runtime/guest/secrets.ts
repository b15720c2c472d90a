import type { Strings } from "./context.ts";

const EQUALS = 61;
const utf8 = new TextDecoder();

/** What a run may be told that nobody else may read. */
export class Secrets {
  readonly #strings: Strings;
  #values: Map<string, Uint8Array> | undefined;

  /** `NAME=value`, each with a zero byte behind. */
  constructor(strings: Strings) {
    this.#strings = strings;
  }

  /** Good until the run has ended. */
  get(name: string): Uint8Array | undefined {
    this.#values ??= valuesOf(this.#strings);
    return this.#values.get(name);
  }
}

function valuesOf({ bytes }: Strings): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    const equals = bytes.indexOf(EQUALS, at);
    values.set(utf8.decode(bytes.slice(at, equals)), bytes.slice(equals + 1, end));
    at = end + 1;
  }
  return values;
}

export const NO_SECRETS = new Secrets({ count: 0, bytes: new Uint8Array(0) });
