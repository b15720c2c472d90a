import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { inRepository } from "./testing/manifest.ts";

const run = promisify(execFile);

// In place of GitHub's own command, and Sigstore's: it writes down what it is asked, and answers what the test says.
const FAR_END = `#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case "$1 $2" in
  "release view") exit "$GH_VIEW_STATUS" ;;
  "pr list") printf '%s' "$GH_OPEN" ;;
esac
`;

/** A folder whose programs come first on the PATH of what is run in it. */
async function workplace() {
  const path = await mkdtemp(join(tmpdir(), "nexus-publishing-"));
  await mkdir(join(path, "bin"));
  for (const name of ["gh", "cosign"]) {
    await writeFile(join(path, "bin", name), FAR_END, { mode: 0o755 });
  }
  const log = join(path, "calls");
  await writeFile(log, "");
  return {
    path,
    async run(cwd: string, command: readonly string[], env: Readonly<Record<string, string>>) {
      const [program, ...args] = command;
      const PATH = `${join(path, "bin")}${delimiter}${process.env["PATH"]}`;
      await writeFile(log, "");
      await run(program!, args, { cwd, env: { ...process.env, ...env, PATH, CALLS: log } });
      return (await readFile(log, "utf8")).trimEnd().split("\n");
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

test("github-release makes a release with the notes and all files, and marks a pre-release", async () => {
  await using at = await workplace();
  const release = (tag: string, status: string) =>
    at.run(
      at.path,
      [inRepository(".ci/github-release"), tag, "notes.md", "a.tar.gz", "SHA256SUMS"],
      { GH_VIEW_STATUS: status },
    );
  assert.deepEqual(await release("v1.2.3", "1"), [
    "release view v1.2.3",
    "release create v1.2.3 --verify-tag --title v1.2.3 --notes-file notes.md a.tar.gz SHA256SUMS",
  ]);
  assert.match((await release("v1.2.3-rc.1", "1"))[1]!, / --prerelease a\.tar\.gz SHA256SUMS$/);
});

test("github-release gives a release that is there already its notes and files anew", async () => {
  await using at = await workplace();
  const command = [inRepository(".ci/github-release"), "v1.2.3", "notes.md", "a.tar.gz"];
  assert.deepEqual(await at.run(at.path, command, { GH_VIEW_STATUS: "0" }), [
    "release view v1.2.3",
    "release edit v1.2.3 --notes-file notes.md",
    "release upload v1.2.3 --clobber a.tar.gz",
  ]);
});

test("sign-image signs the image by its digest, and looks for the signature of this workflow", async () => {
  await using at = await workplace();
  const calls = await at.run(at.path, [inRepository(".ci/sign-image")], {
    TAGS: "ghcr.io/acme/nexus:1.2.3\nghcr.io/acme/nexus:latest",
    DIGEST: "sha256:0123",
    GITHUB_WORKFLOW_REF: "acme/nexus/.github/workflows/ci-cd.yml@refs/tags/v1.2.3",
  });
  assert.deepEqual(calls, [
    "sign --yes ghcr.io/acme/nexus@sha256:0123",
    "verify ghcr.io/acme/nexus@sha256:0123 " +
      "--certificate-identity https://github.com/acme/nexus/.github/workflows/ci-cd.yml@refs/tags/v1.2.3 " +
      "--certificate-oidc-issuer https://token.actions.githubusercontent.com",
  ]);
});

test("propose-update pushes one commit with the lock, and opens a pull request or renews the open one", async () => {
  await using at = await workplace();
  const [remote, clone] = [join(at.path, "remote"), join(at.path, "clone")];
  const git = async (...args: readonly string[]) =>
    (await run("git", args, { cwd: clone })).stdout.trim();
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
  await run("git", ["clone", "--quiet", remote, clone]);
  await git("switch", "--quiet", "--create", "main");
  await writeFile(join(clone, "package-lock.json"), "old\n");
  await writeFile(join(clone, "README.md"), "same\n");
  await git("add", ".");
  await git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "first");
  await git("push", "--quiet", "origin", "main");

  const propose = async (text: string, open: string) => {
    await git("switch", "--quiet", "main");
    await mkdir(join(clone, "update"), { recursive: true });
    await writeFile(join(clone, "update/package-lock.json"), text);
    await writeFile(join(clone, "update/changes.md"), "- `a`: 1.0.0 → 1.0.1\n");
    return at.run(clone, [inRepository(".ci/propose-update"), "update"], { GH_OPEN: open });
  };
  const created = await propose("new\n", "");
  assert.equal(
    created.at(-1),
    "pr create --base main --head dependency-update --label dependencies " +
      "--title Update dependencies within their ranges --body-file update/changes.md",
  );
  assert.ok(created.some((line) => line.startsWith("label create dependencies ")));
  await git("fetch", "--quiet");
  const pushed = "origin/dependency-update";
  assert.equal(await git("diff", "--name-only", "origin/main", pushed), "package-lock.json");
  assert.equal(await git("show", `${pushed}:package-lock.json`), "new");
  assert.match(await git("log", "-1", "--format=%B", pushed), /- `a`: 1\.0\.0 → 1\.0\.1/);

  const renewed = await propose("newer\n", "7");
  assert.equal(renewed.at(-1), "pr edit 7 --body-file update/changes.md");
  await git("fetch", "--quiet");
  assert.equal(await git("rev-list", "--count", `origin/main..${pushed}`), "1");
  assert.equal(await git("show", `${pushed}:package-lock.json`), "newer");
});

test("publish.ts makes packages that npm takes, in the order in which they need each other", async () => {
  const script = inRepository("scripts/publish.ts");
  const { stdout } = await run(process.execPath, [script, "acme/nexus", "--dry-run"]);
  const names = [...stdout.matchAll(/([@\w/-]+)@\d+\.\d+\.\d+/g)].map(([, name]) => name);
  assert.deepEqual(names, [
    "@nexus-functions/client",
    "@nexus-functions/server",
    "nexus-functions",
  ]);
});

test("publish.ts refuses what is no repository", async () => {
  const script = inRepository("scripts/publish.ts");
  await assert.rejects(run(process.execPath, [script, "--dry-run"]), /name the repository/);
});
