import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { ask } from "../ask.ts";
import { CliError, fileError, type Cli } from "../cli.ts";

const TEMPLATES = {
  assemblyscript: { title: "AssemblyScript", needs: "npm alone", install: true },
  rust: { title: "Rust", needs: "cargo with the target wasm32-wasip1", install: false },
  c: { title: "C", needs: "clang, lld and wasi-libc", install: false },
} as const;

/** What the functions of all templates take. */
const EVENT_TYPE = "com.example.greeting.requested";

type Template = keyof typeof TEMPLATES;

const TEMPLATE_NAMES = Object.keys(TEMPLATES) as readonly Template[];

export function newCommand(cli: Cli): Command {
  return new Command("new")
    .summary("start a project from a template")
    .description(
      "Makes a folder with a function that works: its source, its build, a nexus.yaml and an event to try.",
    )
    .argument("<dir>", "the folder to make; its last part is the function's name")
    .addOption(
      new Option("-t, --template <name>", "the language; asked for on a terminal").choices(
        TEMPLATE_NAMES,
      ),
    )
    .action((dir: string, options: { readonly template?: Template }) => create(cli, dir, options));
}

async function create(
  cli: Cli,
  dir: string,
  options: { readonly template?: Template },
): Promise<void> {
  const { configJsonSchema, nameFault } = await import("@nexus-functions/server/functions/schema");
  const target = resolve(dir);
  const name = basename(target);
  const fault = nameFault(name);
  if (fault !== undefined) {
    throw new CliError(`Cannot make a function called "${name}": it ${fault}`, { exitCode: 2 });
  }
  await refuseUsedFolder(dir, target);
  const template = options.template ?? (await askForTemplate(cli));
  const source = fileURLToPath(new URL(`../../templates/${template}/`, import.meta.url));
  try {
    await mkdir(target, { recursive: true });
    await cp(source, target, { recursive: true, filter: (path) => !isLeftover(source, path) });
    await fillIn(target, name);
    // What nexus.yaml names in its first line, for editors: that of the version installed.
    const schema = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
    await writeFile(join(target, "nexus.schema.json"), schema);
  } catch (error) {
    throw fileError("write to", dir, error);
  }
  printNextSteps(cli, { target, name, template });
}

async function refuseUsedFolder(dir: string, target: string): Promise<void> {
  try {
    const names = await readdir(target);
    if (names.length === 0) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw fileError("use", dir, error);
  }
  throw new CliError(`Cannot make a project in "${dir}": the folder is not empty`, {
    hint: "Name another folder, or empty this one.",
  });
}

// What building a template in place leaves behind, in a checkout.
function isLeftover(source: string, path: string): boolean {
  return /^(?:node_modules|target|build)(?:\/|$)/.test(relative(source, path));
}

/** Puts the name where `{{name}}` stands, and gives files npm would not publish their real names. */
async function fillIn(target: string, name: string): Promise<void> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = await readFile(file, "utf8");
    if (text.includes("{{name}}")) await writeFile(file, text.replaceAll("{{name}}", name));
    if (entry.name.startsWith("_")) {
      await rename(file, join(entry.parentPath, `.${entry.name.slice(1)}`));
    }
  }
}

async function askForTemplate(cli: Cli): Promise<Template> {
  const { out } = cli;
  if (!out.interactive) return "assemblyscript";
  for (const [index, name] of TEMPLATE_NAMES.entries()) {
    const { title, needs } = TEMPLATES[name];
    const number = out.notePaint("cyan", String(index + 1));
    out.note(`  ${number}  ${title.padEnd(16)}${out.notePaint("dim", `needs ${needs}`)}`);
  }
  for (;;) {
    const question = `Which language? ${out.notePaint("dim", "[1]")} `;
    const answer = await ask(cli, question);
    const found = templateFor(answer.trim().toLowerCase());
    if (found !== undefined) return found;
    out.note(`Answer with 1 to ${TEMPLATE_NAMES.length}.`);
  }
}

function templateFor(answer: string): Template | undefined {
  if (answer === "") return TEMPLATE_NAMES[0];
  return TEMPLATE_NAMES[Number(answer) - 1] ?? TEMPLATE_NAMES.find((name) => name === answer);
}

function printNextSteps(
  { out }: Cli,
  made: { readonly target: string; readonly name: string; readonly template: Template },
): void {
  const { title, needs, install } = TEMPLATES[made.template];
  const folder = relative(process.cwd(), made.target) || ".";
  const steps: readonly (readonly [command: string, remark: string])[] = [
    ...(folder === "." ? [] : [[`cd ${folder}`, ""] as const]),
    ...(install ? [["npm install", "the compiler"] as const] : []),
    ["npm run build", install ? "" : `needs ${needs}`],
    ["nexus dev", "serves it, and again after each build"],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  out.print(`Made ${out.paint("bold", made.name)} in ${folder} (${title}). Next:`);
  out.print();
  for (const [command, remark] of steps) {
    const line = `  ${out.paint("cyan", command.padEnd(width))}  ${out.paint("dim", remark)}`;
    out.print(line.trimEnd());
  }
  out.print();
  out.print("Then, in another terminal:");
  out.print();
  const publish = `nexus publish ${EVENT_TYPE} --data '{"name":"Ada"}' --wait 5s`;
  out.print(`  ${out.paint("cyan", publish)}`);
}
