import { parseStructured } from "./cloudevents.ts";
import type { NexusEvent } from "./event.ts";
import { isRawNumber, parseExactly } from "./exact-json.ts";

const NAME = String.raw`[^\s.[\]]+`;
const INDEXES = String.raw`(?:\[(?:\*|\d{1,9})\])*`;

/** `data.card.number`, `data.items[*].secret`, `data.*.secret`, `subject`, `output.token`. */
export const REDACT_PATH = new RegExp(`^${NAME}${INDEXES}(?:\\.${NAME}${INDEXES})*$`);

/** Attributes that tell what an event is: without them it is another. */
const IDENTITY = ["specversion", "id", "source", "type", "time", "datacontenttype", "dataschema"];

const OUTPUT = "output";
const FETCH = "fetch";

/** Whether it leads into what a function wrote, and not into its event. */
export function isOutputPath(path: string): boolean {
  return stepsOf(path)[0] === OUTPUT;
}

/** Whether it leads into answers of `fetch` on a tape: `fetch.headers.set-cookie`, `fetch.body.token`. */
export function isFetchPath(path: string): boolean {
  return stepsOf(path)[0] === FETCH;
}

/** The rule this path breaks, in words that follow it; undefined for a good one. */
export function redactPathFault(path: string): string | undefined {
  if (!REDACT_PATH.test(path)) {
    return 'is not a path into the event: names with a dot between them, and "[*]" for every item (try "data.items[*].secret")';
  }
  const [root, part, ...rest] = stepsOf(path);
  if (root === FETCH && !(part === "headers" && rest.length === 1) && part !== "body") {
    return 'does not lead into an answer (try "fetch.headers.set-cookie" or "fetch.body.token")';
  }
  return typeof root === "string" && IDENTITY.includes(root)
    ? "tells what the event is, and cannot be replaced (data, subject, extension attributes and output can)"
    : undefined;
}

export interface Redacted {
  readonly event: NexusEvent;
  readonly output: string;
  /** Those of the paths at which something was replaced, in their order. */
  readonly paths: readonly string[];
}

/**
 * Replaces what is at these paths: in the event, and where a path begins with `output` in that, if it is
 * JSON. A text is replaced by `redacted-1`, by the same one wherever it is the whole of a value that is
 * replaced, and of one in the output; a number by 0, true by false; of a list or an object all that is
 * in it. What is no JSON stays as it is, and so do keys, and texts of which a replaced one is a part.
 */
export function redact(
  { event, output }: Pick<Redacted, "event" | "output">,
  paths: readonly string[],
): Redacted {
  const names = new Placeholders();
  const found = new Set<string>();
  const at = (value: unknown, path: string, steps: readonly Step[]): unknown =>
    replaceAt(value, steps, (old) => {
      found.add(path);
      return steps.length === 1 && steps[0] === "data_base64"
        ? Buffer.from(names.of(String(old))).toString("base64")
        : replaced(old, names);
    });

  let value = parseExactly(Buffer.from(event.json).toString());
  let written = jsonIn(output);
  for (const path of paths) {
    if (isFetchPath(path)) continue;
    const [root, ...rest] = stepsOf(path);
    if (root !== OUTPUT) value = at(value, path, [root!, ...rest]);
    else if (written !== undefined) written = { json: at(written.json, path, rest) };
  }
  const inEvent = [...found].some((path) => !isOutputPath(path));
  return {
    // As it was where nothing in it was replaced: spaces are a part of it. Its time is there already.
    event: inEvent ? parseStructured(Buffer.from(JSON.stringify(value)), new Date(0)) : event,
    output: written === undefined ? output : outputAgain(output, names.echoed(written.json)),
    paths: paths.filter((path) => found.has(path)),
  };
}

/** What an HTTP server answered. Names of headers are in lower case. */
export interface FetchAnswer {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Replaces what is at those of the paths that lead into answers, as `redact` does. Undefined: nothing of it is. */
export function redactAnswer(
  { headers, body }: FetchAnswer,
  paths: readonly string[],
): FetchAnswer | undefined {
  const names = new Placeholders();
  let found = false;
  const replace = (old: unknown): unknown => {
    found = true;
    return replaced(old, names);
  };
  const wanted = paths.filter(isFetchPath).map((path) => stepsOf(path).slice(1));
  const json = jsonIn(body);
  let written = json?.json;
  for (const [part, ...rest] of wanted) {
    if (part === "body" && json !== undefined) written = replaceAt(written, rest, replace);
  }
  const isNamed = (name: string): boolean =>
    wanted.some(([part, step]) => part === "headers" && (step === EVERY || step === name));
  const told = headers.map(([name, value]) =>
    isNamed(name) ? ([name, String(replace(value))] as const) : ([name, value] as const),
  );
  if (!found) return undefined;
  return { headers: told, body: json === undefined ? body : outputAgain(body, written) };
}

type Step = string | number | typeof EVERY;

const EVERY = Symbol("every");

function stepsOf(path: string): readonly Step[] {
  return Array.from(path.matchAll(/\[(\*|\d+)\]|([^.[\]]+)/g), ([, index, name]) => {
    if (index === "*" || name === "*") return EVERY;
    return index === undefined ? name! : Number(index);
  });
}

function replaceAt(
  value: unknown,
  steps: readonly Step[],
  replace: (old: unknown) => unknown,
): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return replace(value);
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      step === EVERY || step === index ? replaceAt(item, rest, replace) : item,
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      step === EVERY || step === name ? replaceAt(member, rest, replace) : member,
    ]),
  );
}

function replaced(value: unknown, names: Placeholders): unknown {
  if (typeof value === "string") return names.of(value);
  if (typeof value === "boolean") return false;
  if (value === null) return null;
  return isContainer(value) ? mapped(value, (member) => replaced(member, names)) : 0;
}

/** Names for texts, the same one for the same text. What one was cannot be found out from its name. */
class Placeholders {
  readonly #names = new Map<string, string>();

  of(text: string): string {
    const name = this.#names.get(text) ?? `redacted-${this.#names.size + 1}`;
    this.#names.set(text, name);
    return name;
  }

  /** The value with every text in it replaced that has a name. */
  echoed(value: unknown): unknown {
    if (typeof value === "string") return this.#names.get(value) ?? value;
    return isContainer(value) ? mapped(value, (member) => this.echoed(member)) : value;
  }
}

function mapped(value: object | readonly unknown[], change: (member: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one)]));
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isRawNumber(value);
}

function jsonIn(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: parseExactly(text) };
  } catch {
    return undefined;
  }
}

/** As it was where nothing in it was replaced: spaces are a part of it. */
function outputAgain(output: string, json: unknown): string {
  const now = JSON.stringify(json);
  return now === JSON.stringify(parseExactly(output)) ? output : now;
}
