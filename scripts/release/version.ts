import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGES, readManifest } from "../ship/packages.ts";
import { releaseNotes } from "./changelog.ts";

const TAG = /^v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** What in the checkout says another version than the tag; nothing where it can be released as it is. */
export function versionProblems(root: string, tag: string): string[] {
  if (!TAG.test(tag)) return [`"${tag}" is no version: it is v1.2.3 or v1.2.3-rc.1`];
  const version = tag.slice(1);
  const problems: string[] = [];
  const expect = (where: string, found: string | undefined): void => {
    if (found !== version) problems.push(`${where} has ${found ?? "none"}, and the tag ${tag}`);
  };
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  for (const name of PACKAGES) {
    const manifest = readManifest(root, name);
    expect(`packages/${name}/package.json`, manifest.version);
    expect(`package-lock.json, packages/${name},`, lock.packages[`packages/${name}`]?.version);
    for (const [dependency, wanted] of Object.entries(manifest.dependencies ?? {})) {
      if (!dependency.startsWith("@nexus-functions/")) continue;
      expect(`packages/${name}/package.json, ${dependency},`, wanted);
    }
  }
  try {
    releaseNotes(readFileSync(join(root, "CHANGELOG.md"), "utf8"), tag);
  } catch (error) {
    problems.push((error as Error).message);
  }
  return problems;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}
