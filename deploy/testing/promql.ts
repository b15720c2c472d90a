/** What a query reads: a metric's name, and the selector as it is written, without range and offset. */
export interface Selector {
  readonly metric: string;
  readonly text: string;
}

// Order matters: what is in quotes is no name, and a number's letters are none either.
const TOKEN =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[0-9][0-9a-zA-Z.]*|[a-zA-Z_:][a-zA-Z0-9_:]*|[{}()[\]]|\s+|./g;
const NAME = /^[a-zA-Z_:]/;
const OPERATORS = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);
/** A list of labels in parentheses comes after these. */
const BEFORE_LABELS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);

/** The selectors of a query. Selectors without a name, `{__name__=…}`, are not looked for: nothing here has any. */
export function selectors(query: string): readonly Selector[] {
  const tokens = (query.match(TOKEN) ?? []).filter((token) => token.trim() !== "");
  const found: Selector[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    if (token === "{" || token === "[") {
      at = closing(tokens, at);
    } else if (BEFORE_LABELS.has(token)) {
      if (tokens[at + 1] === "(") at = closing(tokens, at + 1);
    } else if (NAME.test(token) && !OPERATORS.has(token.toLowerCase()) && tokens[at + 1] !== "(") {
      // `sum by (…) (…)`: an aggregation is a word before its labels.
      if (BEFORE_LABELS.has(tokens[at + 1] ?? "")) continue;
      const end = tokens[at + 1] === "{" ? closing(tokens, at + 1) : at;
      found.push({ metric: token, text: tokens.slice(at, end + 1).join("") });
      at = end;
    }
  }
  return found;
}

const PAIRS: Readonly<Record<string, string>> = { "{": "}", "[": "]", "(": ")" };

function closing(tokens: readonly string[], open: number): number {
  const end = tokens.indexOf(PAIRS[tokens[open]!]!, open);
  if (end === -1) throw new Error(`Cannot read query: "${tokens[open]}" is never closed`);
  return end;
}
