// What differs from run to run without being another kind of line: the first that fits wins.
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  [
    /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)/g,
    "<time>",
  ],
  [/\b\d\d:\d\d:\d\d(?:[.,]\d+)?(?!\d)/g, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-\d+)?\b/gi, "<id>"],
  [/\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, "<id>"],
  // Tokens, ULIDs and base64: long words with digits among their letters.
  [/(?<![\w-])(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[\w-]{20,}/g, "<id>"],
  [/(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\d+/g, "<n>"],
];

/**
 * A text's pattern: its numbers, ids and times replaced by `<n>`, `<id>` and `<time>`. Two lines of a log
 * that differ in nothing else have the same one. Cut at `maxLength` characters.
 */
export function generalise(text: string, maxLength = 160): string {
  // What is cut off anyway is not looked at: a pattern is hardly ever longer than its text.
  let pattern = text.slice(0, 2 * maxLength);
  for (const [variable, name] of VARIABLE) pattern = pattern.replaceAll(variable, name);
  return pattern.length <= maxLength ? pattern : `${pattern.slice(0, maxLength - 1)}…`;
}

/** Whether a text is nothing but numbers, ids and times: `42`, `2026-11-25`, `0193…-1`. */
export function isVariable(text: string): boolean {
  return /^(?:<(?:n|id|time)>[-_:.]?)+$/.test(generalise(text));
}
