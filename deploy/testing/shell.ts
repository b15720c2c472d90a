// Just enough of the shell's grammar to see which programs a guide's command lines call, and with what.

/** One program with its arguments, as a shell would take them apart. */
export interface Call {
  readonly program: string;
  readonly args: readonly string[];
}

const SEPARATORS: ReadonlySet<string> = new Set([
  "|",
  "||",
  "&&",
  ";",
  "&",
  "{",
  "}",
  "(",
  ")",
  "!",
]);
const KEYWORDS: ReadonlySet<string> = new Set(
  "if then else elif fi until while do done for in case esac time exec".split(" "),
);
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const REDIRECTION = /^\d*(?:>>|>|<|>&|<&)/;

/** The calls of a command line, those in `$(…)` among them. A `<placeholder>` counts as a word. */
export function callsOf(line: string): readonly Call[] {
  const plain = line.replaceAll(/<([a-z][a-z -]*)>/g, (_, name: string) =>
    name.replaceAll(" ", "-"),
  );
  const inner = [...plain.matchAll(/\$\(([^()]*)\)/g)].flatMap(([, text]) => callsOf(text!));
  return [...simpleCommands(wordsOf(plain)).flatMap(callOf), ...inner];
}

function simpleCommands(words: readonly string[]): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const word of words) {
    if (SEPARATORS.has(word)) commands.push([]);
    else commands.at(-1)!.push(word);
  }
  return commands;
}

function callOf(words: readonly string[]): readonly Call[] {
  const redirected = words.filter(
    (word, index) => !REDIRECTION.test(word) && !/^\d*(?:>>|>|<)$/.test(words[index - 1] ?? ""),
  );
  const begin = redirected.findIndex((word) => !ASSIGNMENT.test(word) && !KEYWORDS.has(word));
  const [program, ...args] = begin === -1 ? [] : redirected.slice(begin);
  if (program === undefined) return [];
  return [{ program, args }, ...carried(program, args)];
}

/** What a program is told to run elsewhere: in a container, in a pod, after a wait. */
function carried(program: string, args: readonly string[]): readonly Call[] {
  const at = program === "kubectl" ? args.indexOf("--") + 1 : args.indexOf("nexus");
  if (program === "kubectl" && (at === 0 || !args.includes("exec"))) return [];
  if (program !== "kubectl" && (program !== "docker" || !args.includes("exec") || at === -1))
    return [];
  // `docker exec nexus nexus …`: the container has the program's name.
  const from = args[at + 1] === "nexus" ? at + 1 : at;
  const [inner, ...rest] = args.slice(from);
  return inner === undefined ? [] : [{ program: inner, args: rest }];
}

/** The words of a line, without their quotes; separators are words of their own. */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  const pattern =
    /\s*(?:(\|\||&&|[|;&](?![\w>])|[|;])|((?:"(?:\\.|[^"\\])*"|'[^']*'|\$\([^()]*\)|\\.|>&|[^\s"'|;&]|&(?=[\w>]))+))/gy;
  for (const [, separator, word] of line.matchAll(pattern)) {
    words.push(separator ?? unquoted(word!));
  }
  return words;
}

function unquoted(word: string): string {
  return word.replaceAll(
    /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) =>
      double?.replaceAll(/\\(["\\$`])/g, "$1") ?? single ?? escaped ?? "",
  );
}
