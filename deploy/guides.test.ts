// Every page for users: links that lead somewhere, commands and options that are there, manifests that hold.
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "@nexus-functions/server/core/errors";
import { anchorsOf, blocksOf, codeIn, commandsOf, linksOf } from "../scripts/guide.ts";
import {
  kubectlProblems,
  nexusProblem,
  npmProblem,
  pathProblems,
} from "./testing/guide-problems.ts";
import {
  appliedManifests,
  inRepository,
  overlayManifests,
  parseManifests,
  type Manifest,
} from "./testing/manifest.ts";
import { schemaCheck } from "./testing/schema.ts";
import { callsOf, wordsOf, type Call } from "./testing/shell.ts";

const SHELL: ReadonlySet<string> = new Set(["sh", "console"]);
const overlays = await readdir(inRepository("deploy/kustomize"));
const manifests: readonly Manifest[] = [
  ...(await appliedManifests(inRepository("k8s"))),
  ...(
    await Promise.all(
      overlays.map((name) => overlayManifests(inRepository(`deploy/kustomize/${name}`))),
    )
  ).flat(),
];
const check = schemaCheck();
const docs = (await readdir(inRepository("docs"))).filter((name) => name.endsWith(".md"));
const PAGES = ["README.md", "k8s/README.md", ...docs.map((name) => `docs/${name}`)];

for (const path of PAGES) {
  const page = readFileSync(inRepository(path), "utf8");

  test(`${path}: every link leads to a file, and to a heading in it`, () => {
    for (const { target, anchor } of linksOf(page)) {
      const to = target === "" ? path : join(dirname(path), target);
      assert.ok(existsSync(inRepository(to)), `there is no ${to}`);
      if (anchor === undefined || statSync(inRepository(to)).isDirectory()) continue;
      const headings = anchorsOf(readFileSync(inRepository(to), "utf8"));
      assert.ok(headings.has(anchor), `${to} has no heading #${anchor}`);
    }
  });

  test(`${path}: every command is one that its program takes, on paths that are there`, async () => {
    const lines = commandLines(page);
    const problems = await Promise.all(
      lines.map(async ({ text, at }) =>
        (await lineProblems(text)).map((problem) => `${path}:${at}: ${problem}`),
      ),
    );
    // In a sentence a command stands for itself, without what it is given.
    const named = /:in the text: .*(?:missing required argument|argument missing)/;
    assert.deepEqual(
      problems.flat().filter((problem) => !named.test(problem)),
      [],
    );
  });

  test(`${path}: every manifest is one that Kubernetes 1.36 defines`, () => {
    for (const { language, text, line } of blocksOf(page)) {
      if (language !== "yaml" || !/^apiVersion: /m.test(text)) continue;
      if (/config\.k8s\.io/.test(text)) continue; // kustomize's own, and no object
      assert.deepEqual(parseManifests(text).flatMap(check), [], `${path}:${line}`);
    }
  });

  test(`${path}: every error code is one that the server has`, () => {
    const named = codeIn(page).filter((code) => /^[A-Z]+(?:_[A-Z]+)+$/.test(code));
    const codes = named.filter(
      (code) => !/^(?:NEXUS|NATS|OTEL|TRACE|NO|LOG_LEVEL|GUIDE|CAP|API)_|^LOG_LEVEL$/.test(code),
    );
    assert.deepEqual(
      codes.filter((code) => !Object.hasOwn(ERRORS, code)),
      [],
    );
  });
}

test("nexusProblem() refuses a command and an option that are not there", async () => {
  for (const line of [
    "nexus evnts",
    "nexus events --limits 3",
    "nexus export",
    "nexus dlq lst x",
  ]) {
    assert.notEqual(await nexusProblem(callsOf(line)[0]!), undefined, line);
  }
  assert.equal(await nexusProblem(callsOf("nexus export --resume backup.nexus")[0]!), undefined);
});

test("lineProblems() finds what is wrong behind a pipe, in a pod, in $(…) and in a path", async () => {
  for (const line of [
    "cat events.json | nexus publish --evnt -",
    "kubectl -n nexus exec deployment/nexus-functions -- nexus exprt /tmp/a",
    "docker exec nexus nexus evnts",
    'echo "$(nexus --evnts)"; true',
    "kubectl -n nexus rollout status deployment/nexus",
    "kubectl -n nexus get pdb nexus -o wide",
    "kubectl apply --filname x",
    "kubectl apply -k deploy/kustomize/produktion",
    "npm run test:deployed",
  ]) {
    assert.notDeepEqual(await lineProblems(line), [], line);
  }
});

/** What stands in shell blocks, and in inline code that begins as a command of ours. */
function commandLines(page: string): readonly { readonly text: string; readonly at: string }[] {
  const inBlocks = blocksOf(page)
    .filter(({ language }) => SHELL.has(language))
    .flatMap((block) => commandsOf(block).map((text) => ({ text, at: String(block.line) })));
  const inText = codeIn(page)
    .filter((code) => /^(?:nexus|npm|kubectl) [a-z-]/.test(code) && !code.includes("…"))
    .map((text) => ({ text, at: "in the text" }));
  return [...inBlocks, ...inText];
}

async function lineProblems(line: string): Promise<readonly string[]> {
  const ofCalls = await Promise.all(callsOf(line).map(callProblems));
  return [...ofCalls.flat(), ...pathProblems(wordsOf(line))];
}

async function callProblems(call: Call): Promise<readonly string[]> {
  switch (call.program) {
    case "nexus":
      return [await nexusProblem(call)].filter((problem) => problem !== undefined);
    case "npm":
      return [npmProblem(call)].filter((problem) => problem !== undefined);
    case "kubectl":
      return kubectlProblems(call, manifests);
    default:
      return [];
  }
}
