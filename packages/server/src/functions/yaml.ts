import { isUtf8 } from "node:buffer";
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from "yaml";
import { formatPath, quote, type Problem } from "./problems.ts";

/** A parsed YAML file that knows where in the text each value stands. */
export interface YamlFile {
  /** As the user named it. */
  readonly file: string;
  /** Plain data; null for an empty file. Undefined where the text is no YAML: `problems` says why. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** A problem at this path: at the key of a mapping, at the item of a list, or at what is nearest to it. */
  problem(path: readonly PropertyKey[], message: string): Problem;
}

// An alias costs no memory (all uses share one object), so this only has to stop what grows exponentially.
const MAX_ALIASES = 100_000;
const MAX_SYNTAX_PROBLEMS = 10;

/** Parses the YAML 1.2 core schema with `<<` merge keys, and keeps positions. Throws nothing. */
export function parseYaml(file: string, bytes: Uint8Array): YamlFile {
  const encoding = encodingProblem(file, bytes);
  if (encoding !== undefined) return unusable(file, [encoding]);
  const text = new TextDecoder().decode(bytes);
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    merge: true,
    logLevel: "error",
  });
  const problemAt = (offset: number, path: readonly PropertyKey[], message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return {
      file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      path: formatPath(path),
      message,
    };
  };
  const fromYaml = (error: YAMLError): Problem =>
    problemAt(error.pos[0], [], syntaxMessage(error, text));
  const syntax = doc.errors.filter((error) => error.code !== "DUPLICATE_KEY");
  if (syntax.length > 0) {
    const tooDeep = syntax.find((error) => error.code === "RESOURCE_EXHAUSTION");
    return unusable(
      file,
      (tooDeep === undefined ? syntax.slice(0, MAX_SYNTAX_PROBLEMS) : [tooDeep]).map(fromYaml),
    );
  }
  const problems = doc.errors.map(fromYaml);
  visit(doc, {
    Pair(_, { key }) {
      // An object of JavaScript cannot hold this key as a plain one; nothing here needs it.
      if (isScalar(key) && key.value === "__proto__") {
        problems.push(problemAt(key.range?.[0] ?? 0, [], '"__proto__" cannot be a key'));
      }
    },
  });
  try {
    return {
      file,
      value: doc.toJS({ maxAliasCount: MAX_ALIASES }) as unknown,
      problems,
      warnings: doc.warnings.map(fromYaml),
      problem: (path, message) => problemAt(offsetOf(doc, path), path, message),
    };
  } catch (error) {
    // Only aliases can fail here: one without its anchor, or too many of them.
    return unusable(file, [...problems, problemAt(0, [], aliasMessage(error as Error))]);
  }
}

function unusable(file: string, problems: readonly Problem[]): YamlFile {
  return {
    file,
    value: undefined,
    problems,
    warnings: [],
    problem: (path, message) => ({ file, path: formatPath(path), message }),
  };
}

function encodingProblem(file: string, bytes: Uint8Array): Problem | undefined {
  if (isUtf8(bytes) && !bytes.includes(0)) return undefined;
  const utf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const part = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (end === -1 || !isUtf8(part) || part.includes(0)) break;
    line += 1;
    start = end + 1;
  }
  const message = utf16
    ? "the file is UTF-16 text (save it as UTF-8)"
    : "the file is not UTF-8 text (save it as UTF-8)";
  return { file, line, column: 1, path: "", message };
}

function syntaxMessage({ code, message, pos }: YAMLError, text: string): string {
  if (code === "DUPLICATE_KEY") {
    return `${quote(keyAt(text, pos[0]))} is there twice in one mapping`;
  }
  return OUR_WORDS[code] ?? `this is not YAML: ${message}`;
}

const OUR_WORDS: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  TAB_AS_INDENT: "a tab cannot indent YAML (use spaces)",
  MULTIPLE_DOCS: 'the file holds more than one YAML document (remove the "---" and what follows)',
  NON_STRING_KEY: "a key must be a plain text",
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
};

function keyAt(text: string, offset: number): string {
  return (
    /^(?:"[^"\n]*"|'[^'\n]*'|[^:\s,}]+)/.exec(text.slice(offset, offset + 200))?.[0] ?? "a key"
  );
}

function aliasMessage({ message }: Error): string {
  return message.startsWith("Excessive")
    ? "its aliases multiply beyond what can be read (write the values out)"
    : `this is not YAML: ${message}`;
}

function offsetOf(doc: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: unknown = doc.contents;
  let offset = doc.contents?.range[0] ?? 0;
  for (const step of path) {
    const target: unknown = isAlias(node) ? node.resolve(doc) : node;
    let next: unknown;
    if (isMap(target)) {
      const pair = target.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      offset = rangeStart(pair?.key) ?? offset;
      next = pair?.value;
    } else if (isSeq(target) && typeof step === "number") {
      next = target.items[step];
      offset = rangeStart(next) ?? offset;
    }
    if (next === undefined || next === null) return offset;
    node = next;
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | undefined)?.range?.[0];
}
