import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

test("docs/dependencies.md says why each dependency of each package.json is there, and of no other", () => {
  const page = readFileSync(`${ROOT}docs/dependencies.md`, "utf8");
  const files = [
    "package.json",
    "bench/peers/package.json",
    ...globSync("packages/{*,*/templates/*}/package.json", { cwd: ROOT }),
  ];
  const used = new Set(
    files
      .map((file) => JSON.parse(readFileSync(ROOT + file, "utf8")) as Manifest)
      .flatMap(({ dependencies, devDependencies }) =>
        Object.keys({ ...dependencies, ...devDependencies }),
      )
      .filter((name) => !name.startsWith("@nexus-functions/")),
  );
  const told = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  assert.ok(used.size > 15);
  assert.deepEqual(new Set(told), used);
});
