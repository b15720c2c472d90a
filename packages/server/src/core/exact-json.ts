/** What a reviver is told of a primitive value beside its key: its own text. */
interface Source {
  readonly source?: string;
}

/** Every engine we run on has it; TypeScript's library does not know it yet. */
interface RawJson {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
}

const raw = JSON as unknown as RawJson;

/**
 * A JSON value that `JSON.stringify` writes as it was: numbers that a double cannot hold, or that are
 * written in another way (`1.0`, `1e3`), stay as they are. Throws SyntaxError as JSON.parse does.
 */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: Source) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? raw.rawJSON(context.source)
      : value,
  );
}

/** Whether it stands for a number that is kept as it was written. */
export function isRawNumber(value: object): boolean {
  return raw.isRawJSON(value);
}
