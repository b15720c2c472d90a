// docs/DEPLOYMENT.md, followed word by word. GUIDE_WRITE=1 puts what was printed into the page.
//
// Shell blocks run in the page's order, in one shell, in a folder that has the checkout as `nexus-functions`. A word
// behind `sh` says where a block runs that cannot run here; its commands are checked by guides.test.ts.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { quietPorts } from "@nexus-functions/server/testing/ports";
import { blocksOf, rowsOf, codeIn, type Block } from "../scripts/guide.ts";
import { masked, tidy } from "../scripts/guide-output.ts";
import { inRepository, parseManifests } from "./testing/manifest.ts";
import { schemaCheck } from "./testing/schema.ts";
import { openShell, type ShellSession } from "./testing/shell-session.ts";

const PAGE = inRepository("docs/DEPLOYMENT.md");
const WRITING = process.env["GUIDE_WRITE"] === "1";

/** `checkout`: done before any test can run. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "cluster",
  "docker",
  "machine",
  "regions",
  "checkout",
]);
/** Where the checklist's commands are given; those of a cluster cannot be here. */
const HERE: ReadonlySet<string> = new Set(["caller", "server", "checkout"]);
const GROUPS = 7;
const ITEMS = 45;

test("DEPLOYMENT.md: every command that can run here does what the page shows, and the checklist holds", async () => {
  const page = await readFile(PAGE, "utf8");
  await using home = await homeWithCheckout();
  const [port] = await quietPorts(1);
  const here = (text: string) => text.replaceAll("8080", String(port));
  const there = (text: string) =>
    text.replaceAll(String(port), "8080").replaceAll(home.path, "/home/you");
  await using shell = openShell({
    cwd: home.path,
    env: { ...clean(process.env), HOME: home.path },
  });
  const shown: Shown[] = [];
  let output = "";
  for (const block of blocksOf(page)) {
    if (isRunHere(block)) {
      output = there(await shell.run(here(block.text)));
    } else if (block.language === "text" && block.adjacent) {
      if (WRITING) shown.push({ block, output });
      else assert.equal(masked(output), masked(block.text), `${PAGE}:${block.line}`);
    }
    if (block.marks.includes("then-checklist")) await followChecklist(page, shell, here);
  }
  await assertManifests(join(home.path, "my-cluster.yaml"));
  if (WRITING) await writeFile(PAGE, renewed(page, shown));
});

test("DEPLOYMENT.md: the checklist has seven groups, and a command for each of its items", async () => {
  const groups = checklist(await readFile(PAGE, "utf8"));
  assert.equal(groups.length, GROUPS);
  const items = groups.flatMap(({ items }) => items);
  assert.ok(items.length >= ITEMS, `${items.length} items`);
  assert.deepEqual(
    items.map(({ number }) => number),
    items.map((_, index) => index + 1),
  );
  for (const { number, from, commands } of items) {
    assert.ok(commands.length > 0, `item ${number} has a command`);
    assert.ok(HERE.has(from) || from === "cluster", `item ${number}: ${from}`);
  }
});

function isRunHere({ language, marks, line }: Block): boolean {
  if (language !== "sh") return false;
  const where = marks.filter((mark) => mark !== "then-checklist");
  for (const mark of where) assert.ok(ELSEWHERE.has(mark), `${PAGE}:${line}: ${mark}`);
  return where.length === 0;
}

interface Shown {
  readonly block: Block;
  readonly output: string;
}

/** The page with what was printed in place of what these blocks show. */
function renewed(page: string, shown: readonly Shown[]): string {
  const lines = page.split("\n");
  for (const { block, output } of shown.toReversed()) {
    const old = block.text.split("\n").length - 1;
    lines.splice(block.line - 1, old, ...tidy(output).trimEnd().split("\n"));
  }
  return lines.join("\n");
}

interface Item {
  readonly number: number;
  readonly from: string;
  readonly commands: readonly string[];
}

function checklist(page: string): readonly { readonly items: readonly Item[] }[] {
  const section = page.split(/^## /m).find((text) => text.startsWith("Production checklist\n"))!;
  return section
    .split(/^### /m)
    .slice(1)
    .map((group) => ({
      items: rowsOf(group)
        .slice(1)
        .map(([number, , from, command]) => ({
          number: Number(number),
          from: from!,
          commands: codeIn(command!),
        })),
    }));
}

/** Every item's command succeeds on the server that the page has set up by then. */
async function followChecklist(
  page: string,
  shell: ShellSession,
  here: (text: string) => string,
): Promise<void> {
  for (const { number, from, commands } of checklist(page).flatMap(({ items }) => items)) {
    if (!HERE.has(from)) continue;
    const folder = from === "checkout" ? "../nexus-functions" : ".";
    for (const command of commands) {
      const text = await shell.run(
        `(cd ${folder} && ${here(command)}) && echo "it holds" || echo "it fails"`,
      );
      assert.match(text, /^it holds$/m, `item ${number}: ${command}\n${text}`);
    }
  }
}

async function assertManifests(file: string): Promise<void> {
  const manifests = parseManifests(await readFile(file, "utf8"));
  assert.ok(manifests.length > 10);
  assert.deepEqual(manifests.flatMap(schemaCheck()), []);
}

/** Without what this machine has set for Nexus. */
function clean(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:NEXUS|NATS|OTEL)_/.test(name)),
  );
}

async function homeWithCheckout(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "nexus-guide-"));
  await symlink(inRepository("."), join(path, "nexus-functions"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
