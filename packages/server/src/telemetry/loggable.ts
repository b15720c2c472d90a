import { NexusError } from "../core/errors.ts";

/** What is left of any value in a log line: JSON without surprises. */
export type Loggable =
  | null
  | boolean
  | number
  | string
  | readonly Loggable[]
  | { readonly [name: string]: Loggable };

const MAX_TEXT = 8192;
const MAX_DEPTH = 8;

/**
 * Fields as plain JSON data; what has no such form (undefined, functions, symbols) is left out. Never
 * throws: a cycle, a getter that throws or a bigint each become a readable text. An Error becomes
 * `{ name, message, code?, details?, stack?, cause?, errors? }`; a NexusError says all in its code and
 * message and has its stack only if `stacks`, while any other error is a bug or a foreign one and always
 * has it.
 */
export function loggableFields(
  fields: Readonly<Record<string, unknown>>,
  stacks: boolean,
): Readonly<Record<string, Loggable>> {
  return members(fields, stacks, []);
}

function plain(value: unknown, stacks: boolean, above: readonly object[]): Loggable | undefined {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return cut(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object") return undefined;
  if (above.includes(value)) return "<cycle>";
  if (above.length === MAX_DEPTH) return "<too deep>";
  try {
    return plainObject(value, stacks, [...above, value]);
  } catch {
    return "<unreadable>";
  }
}

function plainObject(
  value: object,
  stacks: boolean,
  path: readonly object[],
): Loggable | undefined {
  if (value instanceof Error) return plainError(value, stacks, path);
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (Array.isArray(value)) return value.map((item) => plain(item, stacks, path) ?? null);
  if (value instanceof Set) return [...value].map((item) => plain(item, stacks, path) ?? null);
  if (value instanceof Map) {
    return members(
      Object.fromEntries([...value].map(([key, item]) => [String(key), item])),
      stacks,
      path,
    );
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return plain(value.toJSON(), stacks, path);
  }
  return members(value, stacks, path);
}

function plainError(error: Error, stacks: boolean, path: readonly object[]): Loggable {
  const code: unknown = Reflect.get(error, "code");
  const nexus = error instanceof NexusError;
  return members(
    {
      name: error.name,
      message: error.message,
      code,
      details: nexus && Object.keys(error.details).length > 0 ? error.details : undefined,
      stack: nexus && !stacks ? undefined : error.stack,
      cause: error.cause,
      errors: error instanceof AggregateError ? error.errors : undefined,
    },
    stacks,
    path,
  );
}

function members(
  object: object,
  stacks: boolean,
  path: readonly object[],
): Readonly<Record<string, Loggable>> {
  // No prototype: a member named `__proto__` is a member like any other.
  const out: Record<string, Loggable> = Object.create(null);
  for (const name of Object.keys(object)) {
    const value = member(object, name, stacks, path);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

function member(
  object: object,
  name: string,
  stacks: boolean,
  path: readonly object[],
): Loggable | undefined {
  try {
    return plain(Reflect.get(object, name), stacks, path);
  } catch {
    return "<unreadable>";
  }
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${text.slice(0, MAX_TEXT)}… <${text.length - MAX_TEXT} more>`;
}
