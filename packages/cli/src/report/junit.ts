// JUnit XML as CI servers read it: https://github.com/testmoapp/junitxml describes what they have in common.

export interface JUnitSuite {
  readonly name: string;
  readonly cases: readonly JUnitCase[];
}

export interface JUnitCase {
  readonly name: string;
  /** What it is listed under: a function, a folder. */
  readonly className: string;
  readonly file?: string;
  readonly durationMs: number;
  readonly outcome: JUnitOutcome;
}

/** `failed`: it ran and is not as it should be. `error`: it could not be run. */
export type JUnitOutcome =
  | { readonly status: "passed" }
  | { readonly status: "failed" | "error"; readonly message: string; readonly details: string }
  | { readonly status: "skipped"; readonly message: string };

/** Whatever the texts hold, the document is well-formed: what XML cannot carry is shown as `\u001b`. */
export function junitXml(name: string, suites: readonly JUnitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="${escaped(name)}" ${totals(all)}>`,
    ...suites.flatMap((suite) => [
      `  <testsuite name="${escaped(suite.name)}" ${totals(suite.cases)}>`,
      ...suite.cases.flatMap(caseLines),
      `  </testsuite>`,
    ]),
    `</testsuites>`,
    "",
  ].join("\n");
}

function totals(cases: readonly JUnitCase[]): string {
  const having = (status: JUnitOutcome["status"]): number =>
    cases.filter(({ outcome }) => outcome.status === status).length;
  const ms = cases.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return `tests="${cases.length}" failures="${having("failed")}" errors="${having("error")}" skipped="${having("skipped")}" time="${seconds(ms)}"`;
}

function caseLines({ name, className, file, durationMs, outcome }: JUnitCase): readonly string[] {
  const attributes = [
    `name="${escaped(name)}"`,
    `classname="${escaped(className)}"`,
    ...(file === undefined ? [] : [`file="${escaped(file)}"`]),
    `time="${seconds(durationMs)}"`,
  ].join(" ");
  if (outcome.status === "passed") return [`    <testcase ${attributes}/>`];
  return [`    <testcase ${attributes}>`, `      ${outcomeElement(outcome)}`, `    </testcase>`];
}

function outcomeElement(outcome: Exclude<JUnitOutcome, { readonly status: "passed" }>): string {
  const message = `message="${escaped(outcome.message)}"`;
  switch (outcome.status) {
    case "skipped":
      return `<skipped ${message}/>`;
    case "failed":
      return `<failure ${message}>${escaped(outcome.details, true)}</failure>`;
    case "error":
      return `<error ${message}>${escaped(outcome.details, true)}</error>`;
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** For an attribute, or for an element's text, where lines stay lines. */
function escaped(text: string, multiline = false): string {
  return text.toWellFormed().replaceAll(SPECIAL, (character) => {
    const entity = ENTITIES[character];
    if (entity !== undefined) return entity;
    if (multiline && (character === "\n" || character === "\t")) return character;
    if (character === "\n") return "&#10;";
    if (character === "\t") return "&#9;";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

// What has a meaning in XML, what XML 1.0 has no way to say, and what turns the reading direction.
const SPECIAL = /[&<>"\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;
