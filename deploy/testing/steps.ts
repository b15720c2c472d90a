// Which steps of the workflows run here, with which command, and why the others do not.
import { readFile } from "node:fs/promises";
import { inRepository } from "./manifest.ts";

export type Fate =
  /** `.ci/run` runs the very command, alone or as a part of an npm script. */
  | { readonly how: "in CI" }
  /** The test runs it in a copy of the repository, after those before it in the list. */
  | { readonly how: "in a copy" }
  /** Another test runs its script, under conditions made for it; GitHub and Sigstore are made up there. */
  | { readonly how: "by a test"; readonly test: string }
  | { readonly how: "not here"; readonly why: string };

const IN_CI: Fate = { how: "in CI" };
const IN_A_COPY: Fate = { how: "in a copy" };

/** By file, job and step. */
export const FATES: Readonly<Record<string, Fate>> = {
  "ci-cd.yml test: Install what the tests need beyond npm": IN_CI,
  "ci-cd.yml test: Install dependencies": IN_A_COPY,
  "ci-cd.yml test: Check that npm's scripts run on this Node": IN_A_COPY,
  "ci-cd.yml test: Format": IN_CI,
  "ci-cd.yml test: Lint": IN_CI,
  "ci-cd.yml test: Types": IN_CI,
  "ci-cd.yml test: Build": IN_CI,
  "ci-cd.yml test: Fast tests": IN_CI,
  "ci-cd.yml test: Long tests": IN_CI,
  "ci-cd.yml deploy: Install what the tests need beyond npm": IN_CI,
  "ci-cd.yml deploy: Install dependencies": IN_A_COPY,
  "ci-cd.yml deploy: Build": IN_CI,
  "ci-cd.yml deploy: Deployment files and workflows": IN_CI,
  "ci-cd.yml deploy: Image": IN_CI,
  "ci-cd.yml security: Audit what users install": {
    how: "not here",
    why: "it asks npm's own registry for advisories; a mirror has none",
  },
  "ci-cd.yml security: Audit what contributors install": {
    how: "not here",
    why: "it asks npm's own registry for advisories; a mirror has none",
  },
  "ci-cd.yml security: Refuse grave findings": {
    how: "by a test",
    test: "scripts/release.test.ts",
  },
  "ci-cd.yml image: Sign the image": { how: "by a test", test: "deploy/publishing.test.ts" },
  "ci-cd.yml security: Check that the tag is the version of all packages": {
    how: "by a test",
    test: "scripts/release.test.ts",
  },
  "ci-cd.yml archives: Install dependencies": IN_A_COPY,
  "ci-cd.yml archives: Build": IN_CI,
  "ci-cd.yml archives: Make an archive for each platform": {
    how: "by a test",
    test: "deploy/archive.test.ts",
  },
  "ci-cd.yml archives: Take the notes out of the changelog": {
    how: "by a test",
    test: "scripts/release.test.ts",
  },
  "ci-cd.yml release: Install dependencies": IN_A_COPY,
  "ci-cd.yml release: Build": IN_CI,
  "ci-cd.yml release: Publish the packages to npm": {
    how: "by a test",
    test: "deploy/publishing.test.ts",
  },
  "ci-cd.yml release: Make the release on GitHub": {
    how: "by a test",
    test: "deploy/publishing.test.ts",
  },
  "dependency-update.yml update: Update within ranges": IN_A_COPY,
  "dependency-update.yml update: List what changed": IN_A_COPY,
  "dependency-update.yml update: Install what the tests need beyond npm": IN_CI,
  "dependency-update.yml update: Install dependencies": IN_A_COPY,
  "dependency-update.yml update: Build": IN_CI,
  "dependency-update.yml update: Types, lint, format, fast tests": IN_CI,
  "dependency-update.yml update: Long tests": IN_CI,
  "dependency-update.yml propose: Open the pull request": {
    how: "by a test",
    test: "deploy/publishing.test.ts",
  },
};

/** Every command that `.ci/run` comes to, those of npm's scripts among them. */
export async function commandsOfCi(): Promise<ReadonlySet<string>> {
  const { scripts } = JSON.parse(await readFile(inRepository("package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const found = new Set<string>();
  const add = (command: string): void => {
    if (found.has(command)) return;
    found.add(command);
    const name = /^npm (?:run (\S+)|(test))$/.exec(command);
    const script = name && scripts[name[1] ?? name[2]!];
    for (const part of script?.split(" && ") ?? []) add(plain(part));
  };
  const text = await readFile(inRepository(".ci/run"), "utf8");
  for (const line of text.split("\n")) add(plain(line));
  return found;
}

/** Without what bounds its time, hides its name and keeps its output. */
function plain(command: string): string {
  return command
    .replace(/^timeout \S+ /, "")
    .replace(/ 2>&1 \| tee .*$/, "")
    .replace("npm run --silent ", "npm run ")
    .trim();
}
