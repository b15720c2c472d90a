// docs/getting-started.md, followed word by word on a terminal. GUIDE_WRITE=1 puts what was printed
// into the page.
import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { blocksOf, type Block } from "../scripts/guide.ts";
import { ID, masked, tidy } from "../scripts/guide-output.ts";
import { hasTerminal, openTerminal, type Session } from "./terminal.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs/getting-started.md");
const BIN = join(ROOT, "node_modules/.bin");

const WRITING = process.env["GUIDE_WRITE"] === "1";

test(
  "getting-started.md: every command does what the page shows",
  { timeout: 240_000 },
  async (context) => {
    if (!hasTerminal()) {
      assert.equal(process.env["CI"], undefined, "CI has a terminal: install util-linux");
      return context.skip("no terminal: there is no script of util-linux");
    }
    const page = await readFile(PAGE, "utf8");
    await using reader = await sitDown();
    let written = page;
    for (const block of blocksOf(page)) {
      const actual = await reader.follow(block);
      if (actual === undefined || !WRITING) continue;
      written = written.replace(`\n${block.text}\`\`\``, () => `\n${actual}\`\`\``);
    }
    if (written !== page) await writeFile(PAGE, written);
  },
);

interface Reader extends AsyncDisposable {
  /** Does what the block says; gives the output where the block shows output. */
  follow(block: Block): Promise<string | undefined>;
}

async function sitDown(): Promise<Reader> {
  const home = await mkdtemp(join(tmpdir(), "nexus-guide-"));
  const dir = join(home, "greeter");
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env["PATH"]}` };
  let cwd = home;
  let url = "http://127.0.0.1:8080";
  let dev: Session | undefined;
  let command = "";
  let output = "";
  /** Ids that the page shows, and those that this run has in their place. */
  const ids = new Map<string, string>();
  const here = (text: string): string =>
    [...ids]
      .reduce((all, [old, now]) => all.replaceAll(old, now), text)
      .replaceAll("http://127.0.0.1:8080", url);

  async function run(): Promise<void> {
    const session = openTerminal(here(command), { cwd, env: { ...env, NEXUS_URL: url } });
    const { code, text } = await session.ended();
    output = text.replaceAll(url, "http://127.0.0.1:8080");
    // The page says so where a command fails.
    assert.ok(
      code === 0 || /--id nameless/.test(command),
      `${command} ended with ${code}:\n${text}`,
    );
  }

  async function type(text: string): Promise<void> {
    if (text === "nexus dev\n") {
      dev = openTerminal("nexus dev --port 0", { cwd, env });
      output = await dev.shows((shown) => shown.includes("Ctrl-C stops."));
      url = /http:\S+/.exec(output)![0];
      output = output.replaceAll(url, "http://127.0.0.1:8080");
      return;
    }
    // What the reader did once for the terminal is done for this one; the compiler is there already.
    command = text.replaceAll(/^(?:npm ci|npm install|export PATH.*|cd .*)\n/gm, "");
    if (text.includes("cd greeter\n")) cwd = dir;
    if (text.includes("npm install\n"))
      await symlink(join(ROOT, "node_modules"), join(dir, "node_modules"));
    await run();
  }

  async function compare({ text, language, adjacent }: Block): Promise<string> {
    if (language === "json" && !adjacent) await run(); // "send it again"
    else if (!adjacent) output = await dev!.shows((shown) => isIn(text, shown));
    // What a function is about to do can be waited for by looking again.
    if (adjacent && /^nexus (?:events|invocations|logs)\b/.test(command)) {
      for (let looks = 0; masked(output) !== masked(text) && looks < 10; looks += 1) await run();
    }
    const whole = adjacent || language === "json";
    if (whole && !WRITING) assert.equal(masked(output), masked(text), command);
    const shown = whole ? output : partOf(output, text);
    const before = text.match(ID) ?? [];
    const now = shown.match(ID) ?? [];
    for (const [index, id] of before.entries()) ids.set(id, now[index]!);
    return tidy(shown);
  }

  return {
    async follow(block) {
      const { language, text } = block;
      if (language === "sh") {
        const now = here(text).replaceAll(url, "http://127.0.0.1:8080");
        await type(text);
        return now;
      }
      if (language !== "ts" && language !== "yaml") return compare(block);
      await (language === "ts" ? edit(dir, text) : configure(dir, text));
      return undefined;
    },
    async [Symbol.asyncDispose]() {
      await dev?.[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

let replaced: string | undefined;

/** A whole file, or a piece of assembly/index.ts and then what takes its place. */
async function edit(dir: string, text: string): Promise<void> {
  if (text.startsWith("import ")) return writeFile(join(dir, "assembly/signup.ts"), text);
  if (replaced === undefined) return void (replaced = text);
  const file = join(dir, "assembly/index.ts");
  const source = await readFile(file, "utf8");
  assert.ok(source.includes(replaced), `index.ts has:\n${replaced}`);
  await writeFile(
    file,
    source.replace(replaced, () => text),
  );
}

/** The file as it is, or what is added at its end. */
async function configure(dir: string, text: string): Promise<void> {
  const file = join(dir, "nexus.yaml");
  if (text.startsWith("#")) assert.equal(text, await readFile(file, "utf8"));
  else await appendFile(file, text);
}

function isIn(lines: string, shown: string): boolean {
  const all = masked(shown).split("\n");
  return masked(lines)
    .trim()
    .split("\n")
    .every((line) => all.includes(line));
}

/** Those lines of `shown` that stand for the lines of `text`: the last ones, in the page's order. */
function partOf(shown: string, text: string): string {
  const all = shown.split("\n");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => all.findLast((one) => masked(one) === masked(line)) ?? line)
    .join("\n");
}
