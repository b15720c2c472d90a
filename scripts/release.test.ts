import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { releaseNotes } from "./release/changelog.ts";
import { graveFindings, type Sarif } from "./release/findings.ts";
import { lockChanges } from "./release/lock.ts";
import { versionProblems } from "./release/version.ts";

const ROOT = join(import.meta.dirname, "..");

function folder() {
  const path = mkdtempSync(join(tmpdir(), "nexus-release-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** All that has a version, with a changelog that knows it. */
function copyVersions(into: string) {
  for (const name of ["client", "server", "cli"]) {
    mkdirSync(join(into, "packages", name), { recursive: true });
    const file = `packages/${name}/package.json`;
    cpSync(join(ROOT, file), join(into, file));
  }
  cpSync(join(ROOT, "package-lock.json"), join(into, "package-lock.json"));
  const manifest = readFileSync(join(ROOT, "packages/cli/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  writeFileSync(join(into, "CHANGELOG.md"), `# Changelog\n\n## ${version}\n\n- all of it\n`);
  return { version, manifest };
}

test("releaseNotes() gives the section of the tag's version, and of no other", () => {
  const changelog =
    "# Changelog\n\nAbout.\n\n## Unreleased\n\n- soon\n\n## [1.2.0] - 2026-11-25\n\n### Added\n\n- a\n\n" +
    "## 1.2.0-rc.1\n\n- b\n\n## 1.1.0\n";
  assert.equal(releaseNotes(changelog, "v1.2.0"), "### Added\n\n- a");
  assert.equal(releaseNotes(changelog, "v1.2.0-rc.1"), "- b");
  assert.throws(() => releaseNotes(changelog, "v1.1.0"), /section is empty/);
  assert.throws(
    () => releaseNotes(changelog, "v1.2"),
    /CHANGELOG.md has Unreleased, 1.2.0, 1.2.0-rc.1, 1.1.0; name one "## 1.2"/,
  );
});

test("release-notes.ts fails for a version that the changelog has not", () => {
  const script = join(ROOT, "scripts/release-notes.ts");
  const { status, stderr, stdout } = spawnSync(process.execPath, [script, "v999.0.0"], {
    encoding: "utf8",
  });
  assert.notEqual(status, 0);
  assert.equal(stdout, "");
  assert.match(stderr, /Cannot find the notes of "v999.0.0"/);
});

test("versionProblems() finds each place that has another version than the tag", () => {
  using to = folder();
  const { version, manifest } = copyVersions(to.path);

  assert.deepEqual(versionProblems(to.path, `v${version}`), []);
  assert.deepEqual(versionProblems(to.path, version).length, 1);
  assert.equal(versionProblems(to.path, "v9.9.9").length, 3 + 3 + 2 + 1);

  const cli = join(to.path, "packages/cli/package.json");
  writeFileSync(
    cli,
    manifest.replace(`functions/server": "${version}"`, 'functions/server": "^0"'),
  );
  assert.deepEqual(versionProblems(to.path, `v${version}`), [
    `packages/cli/package.json, @nexus-functions/server, has ^0, and the tag v${version}`,
  ]);
});

test("check-version.ts fails for a tag of another version, with each place", () => {
  using to = folder();
  const { version } = copyVersions(to.path);
  // The script looks at the checkout that it stands in.
  cpSync(join(ROOT, "scripts"), join(to.path, "scripts"), { recursive: true });
  const run = (tag: string) =>
    spawnSync(process.execPath, [join(to.path, "scripts/check-version.ts"), tag], {
      encoding: "utf8",
    });
  assert.deepEqual([run(`v${version}`).status, run(`v${version}`).stderr], [0, ""]);
  const other = run("v9.9.9");
  assert.equal(other.status, 1);
  assert.match(other.stderr, /packages\/server\/package\.json has .*, and the tag v9\.9\.9\n/);
});

test("graveFindings() refuses what is high or an error, and lets pass what is less or suppressed", () => {
  const at = (line: number) => ({
    message: { text: `line ${line}` },
    locations: [
      { physicalLocation: { artifactLocation: { uri: "a.ts" }, region: { startLine: line } } },
    ],
  });
  const rules = [
    { id: "high", properties: { "security-severity": "7.0" } },
    { id: "medium", properties: { "security-severity": "6.9" } },
  ];
  const sarif: Sarif = {
    runs: [
      {
        tool: {
          driver: { rules: [{ id: "bug", defaultConfiguration: { level: "error" } }] },
          extensions: [{ rules }],
        },
        results: [
          { ruleId: "high", ...at(1) },
          { ruleId: "medium", level: "error", ...at(2) },
          { ruleId: "bug", ...at(3) },
          { ruleId: "bug", level: "note", ...at(4) },
          { ruleId: "high", suppressions: [{ kind: "inSource" }], ...at(5) },
          { ruleId: "unknown", ...at(6) },
        ],
      },
    ],
  };
  assert.deepEqual(graveFindings(sarif), ["a.ts:1: line 1 (high)", "a.ts:3: line 3 (bug)"]);
});

test("refuse-findings.ts fails on a grave finding and where there is no analysis at all", () => {
  using to = folder();
  const run = () =>
    spawnSync(process.execPath, [join(ROOT, "scripts/refuse-findings.ts"), to.path], {
      encoding: "utf8",
    });
  assert.match(run().stderr, /has no \.sarif file/);
  const sarif = (results: readonly object[]): string =>
    JSON.stringify({ runs: [{ tool: { driver: {} }, results }] });
  writeFileSync(join(to.path, "javascript.sarif"), sarif([]));
  assert.equal(run().status, 0);
  writeFileSync(
    join(to.path, "actions.sarif"),
    sarif([{ level: "error", message: { text: "no" } }]),
  );
  assert.equal(run().status, 1);
  assert.match(run().stderr, /no \(\?\)/);
});

test("lockChanges() lists what is newer, new and gone, and nothing of our own packages", () => {
  const older = {
    packages: {
      "": { version: "1.0.0" },
      "packages/cli": { version: "0.1.0" },
      "node_modules/nexus-functions": { link: true },
      "node_modules/a": { version: "1.0.0" },
      "node_modules/a/node_modules/b": { version: "1.0.0" },
      "node_modules/c": { version: "1.0.0" },
    },
  };
  const newer = {
    packages: {
      "packages/cli": { version: "0.2.0" },
      "node_modules/a": { version: "1.1.0" },
      "node_modules/c": { version: "1.0.0" },
      "node_modules/d": { version: "2.0.0" },
    },
  };
  assert.deepEqual(lockChanges(older, newer), [
    "- `a`: 1.0.0 → 1.1.0",
    "- `a > b`: 1.0.0 → none",
    "- `d`: none → 2.0.0",
  ]);
});

test("lock-changes.ts says whether the lock changed, and gives it on with the list", () => {
  using to = folder();
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: to.path });
  const run = () =>
    execFileSync(process.execPath, [join(ROOT, "scripts/lock-changes.ts"), "update"], {
      cwd: to.path,
      encoding: "utf8",
    });
  const lock = (version: string): void =>
    writeFileSync(
      join(to.path, "package-lock.json"),
      JSON.stringify({ packages: { "node_modules/a": { version } } }),
    );
  git("init", "--quiet");
  lock("1.0.0");
  git("add", "package-lock.json");
  git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first");
  assert.equal(run(), "changed=false\n");
  lock("1.0.1");
  assert.equal(run(), "changed=true\n");
  const read = (name: string): string => readFileSync(join(to.path, "update", name), "utf8");
  assert.equal(read("changes.md"), "- `a`: 1.0.0 → 1.0.1\n");
  assert.match(read("package-lock.json"), /1\.0\.1/);
});
