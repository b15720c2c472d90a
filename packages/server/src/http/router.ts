import { NexusError } from "../core/errors.ts";

/** Where a path leads. */
export interface Match<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

interface Entry<T> {
  readonly value: T;
  readonly names: readonly string[];
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  parameter: Node<T> | undefined;
  /** By method; `*`: any. What a last `*` in the path leads to. */
  readonly rest: Map<string, Entry<T>>;
  readonly here: Map<string, Entry<T>>;
}

/**
 * Finds what stands at a path. `:name` takes one segment that is not empty, a last `*` all the rest
 * (under the name `*`); literal segments go before `:name`, and `:name` before `*`.
 */
export class Router<T> {
  readonly #root: Node<T> = node();

  /** Whoever comes first keeps the place. */
  add(method: string, path: string, value: T): void {
    const names: string[] = [];
    let at = this.#root;
    const segments = path.slice(1).split("/");
    for (const [index, segment] of segments.entries()) {
      if (segment === "*" && index === segments.length - 1) {
        set(at.rest, method, { value, names: [...names, "*"] });
        return;
      }
      if (segment.startsWith(":")) {
        names.push(segment.slice(1));
        at = at.parameter ??= node();
      } else {
        let next = at.literals.get(segment);
        if (next === undefined) at.literals.set(segment, (next = node()));
        at = next;
      }
    }
    set(at.here, method, { value, names });
  }

  /**
   * Each segment is percent-decoded by itself: an encoded slash parts nothing. REQUEST_INVALID where
   * that fails, ROUTE_NOT_FOUND, and METHOD_NOT_ALLOWED with the header for it in its details.
   */
  find(method: string, path: string): Match<T> {
    const segments = path.slice(1).split("/");
    if (path.includes("%")) decodeAll(segments);
    const values: string[] = [];
    const found =
      search(this.#root, segments, 0, method, values) ??
      (method === "HEAD" ? search(this.#root, segments, 0, "GET", values) : undefined);
    if (found !== undefined) return { value: found.value, params: named(found.names, values) };
    throw this.#nothing(segments, method, path);
  }

  #nothing(segments: readonly string[], method: string, path: string): NexusError {
    const allow = new Set<string>();
    collect(this.#root, segments, 0, allow);
    const shown = JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path);
    if (allow.size === 0) {
      return new NexusError(
        "ROUTE_NOT_FOUND",
        `Cannot ${method} ${shown}: there is nothing at this path`,
      );
    }
    if (allow.has("GET")) allow.add("HEAD");
    const list = [...allow].sort().join(", ");
    return new NexusError(
      "METHOD_NOT_ALLOWED",
      `Cannot ${method} ${shown}: this path takes ${list}`,
      { details: { headers: { allow: list } } },
    );
  }
}

function node<T>(): Node<T> {
  return { literals: new Map(), parameter: undefined, rest: new Map(), here: new Map() };
}

function set<T>(entries: Map<string, Entry<T>>, method: string, entry: Entry<T>): void {
  if (!entries.has(method)) entries.set(method, entry);
}

// `values` is right when an entry is returned, and as it was before when none is.
function search<T>(
  at: Node<T>,
  segments: readonly string[],
  index: number,
  method: string,
  values: string[],
): Entry<T> | undefined {
  if (index === segments.length) return at.here.get(method) ?? at.here.get("*");
  const segment = segments[index]!;
  const literal = at.literals.get(segment);
  if (literal !== undefined) {
    const found = search(literal, segments, index + 1, method, values);
    if (found !== undefined) return found;
  }
  if (at.parameter !== undefined && segment !== "") {
    values.push(segment);
    const found = search(at.parameter, segments, index + 1, method, values);
    if (found !== undefined) return found;
    values.pop();
  }
  const rest = at.rest.get(method) ?? at.rest.get("*");
  if (rest !== undefined) values.push(segments.slice(index).join("/"));
  return rest;
}

function collect<T>(
  at: Node<T>,
  segments: readonly string[],
  index: number,
  methods: Set<string>,
): void {
  if (index === segments.length) {
    for (const method of at.here.keys()) methods.add(method);
    return;
  }
  const segment = segments[index]!;
  const literal = at.literals.get(segment);
  if (literal !== undefined) collect(literal, segments, index + 1, methods);
  if (at.parameter !== undefined && segment !== "") {
    collect(at.parameter, segments, index + 1, methods);
  }
  for (const method of at.rest.keys()) methods.add(method);
}

function decodeAll(segments: string[]): void {
  for (const [index, segment] of segments.entries()) {
    try {
      segments[index] = decodeURIComponent(segment);
    } catch (cause) {
      throw new NexusError(
        "REQUEST_INVALID",
        `Cannot read path: ${JSON.stringify(segment.slice(0, 100))} is not percent-encoded UTF-8`,
        { cause },
      );
    }
  }
}

function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  if (names.length === 0) return NO_PARAMS;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) params[name] = values[index]!;
  return params;
}

const NO_PARAMS: Record<string, string> = Object.freeze({});
