// The programs of fixtures/conformance/: each asks for a part of WASI preview 1, says `<part>: ok` for all
// of it that is as it should be, and exits with the number of answers that are not.

export interface ConformanceProgram {
  readonly name: string;
  /** Behind the directory that it works in. */
  readonly args: readonly string[];
  /** What it writes to stdout where every answer is right, line by line. */
  readonly lines: readonly string[];
}

/** What all of them are given. */
export const GIVEN = {
  env: { GREETING: "hello", EMPTY: "" },
  stdin: "from stdin\n",
} as const;

const parts = (...names: readonly string[]) => names.map((name) => `${name}: ok`);

/** Those that leave the directory as they found it. */
export const PROGRAMS: readonly ConformanceProgram[] = [
  {
    name: "c-descriptors",
    args: [],
    lines: parts(
      "preopens",
      "streams",
      "closing",
      "rights",
      "flags",
      "renumbering",
      "many",
      "streams to files",
      "left tidy",
    ),
  },
  {
    name: "c-paths",
    args: [],
    lines: parts("opening", "walking", "escaping", "names", "directories", "left tidy"),
  },
  {
    name: "c-links",
    args: [],
    lines: parts("hard", "symbolic", "renaming", "unlinking", "left tidy"),
  },
  {
    name: "c-contents",
    args: [],
    lines: parts(
      "vectors",
      "positions",
      "at offsets",
      "appending",
      "sizes",
      "large",
      "times",
      "identity",
      "left tidy",
    ),
  },
  {
    name: "c-listing",
    args: [],
    lines: parts("empty", "kinds", "refusals", "many", "left tidy"),
  },
  {
    name: "c-process",
    args: ["one", "zwölf", ""],
    lines: parts(
      "arguments",
      "environment",
      "clocks",
      "random",
      "waiting",
      "sockets",
      "yielding",
      "left tidy",
    ),
  },
  {
    name: "c-posix",
    args: [],
    lines: parts("streams", "descriptors", "names", "directories", "waiting", "left tidy"),
  },
  {
    name: "rust-files",
    args: [],
    lines: parts("contents", "options", "names", "directories", "left tidy"),
  },
  {
    name: "rust-process",
    args: ["one", "zwölf"],
    lines: parts("arguments", "environment", "streams", "time", "granted"),
  },
  {
    name: "assemblyscript-bindings",
    args: [],
    lines: parts("granted", "contents", "names", "process", "left tidy"),
  },
  {
    name: "assemblyscript-process",
    args: ["one", "zwölf"],
    lines: [...parts("arguments", "environment"), "Grüße", ...parts("streams", "time", "random")],
  },
];
