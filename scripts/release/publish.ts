// The three packages to npm, in the order in which they need each other.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PACKAGES, readManifest } from "../ship/packages.ts";

const run = promisify(execFile);

export interface Publishing {
  /** "owner/name" on GitHub: npm's provenance refuses a package that does not name where it is built. */
  readonly repository: string;
  /** Makes and checks the packages, and sends nothing. */
  readonly isDry: boolean;
}

/**
 * Resolves with the packages that are new; one that npm has at this version already is left as it is, so that a release
 * which failed half way can be run again. Needs the built packages.
 */
export async function publish(
  root: string,
  { repository, isDry }: Publishing,
): Promise<readonly string[]> {
  const published: string[] = [];
  for (const name of PACKAGES) {
    const manifest = readManifest(root, name);
    const { version } = manifest;
    const id = `${manifest.name}@${version}`;
    if (!isDry && (await isPublished(id))) continue;
    const scratch = await mkdtemp(join(tmpdir(), "nexus-publish-"));
    try {
      await stage(root, name, repository, scratch);
      const tag = version.includes("-") ? "next" : "latest";
      // Packing is all of publishing but the sending; publish asks for the registry even when dry.
      const args = isDry
        ? ["pack", "--dry-run"]
        : ["publish", "--access=public", `--tag=${tag}`, "--provenance"];
      await run("npm", args, { cwd: scratch });
      published.push(id);
    } finally {
      await rm(scratch, { recursive: true });
    }
  }
  return published;
}

async function isPublished(id: string): Promise<boolean> {
  try {
    const { stdout } = await run("npm", ["view", id, "version"]);
    return stdout.trim() !== "";
  } catch (error) {
    if (String((error as { readonly stderr?: string }).stderr).includes("E404")) return false;
    throw error;
  }
}

/** What the package's manifest lists, with the licence, and with what npm and readers want to know. */
async function stage(root: string, name: string, repository: string, into: string): Promise<void> {
  const folder = join(root, "packages", name);
  await mkdir(into, { recursive: true });
  for (const file of readManifest(root, name).files) {
    const filter = (path: string): boolean => !path.endsWith(".tsbuildinfo");
    await cp(join(folder, file), join(into, file), { recursive: true, filter });
  }
  await cp(join(root, "LICENSE"), join(into, "LICENSE"));
  await cp(join(root, "README.md"), join(into, "README.md"));
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as object;
  const whole = {
    ...manifest,
    repository: {
      type: "git",
      url: `git+https://github.com/${repository}.git`,
      directory: `packages/${name}`,
    },
  };
  await writeFile(join(into, "package.json"), `${JSON.stringify(whole, null, 2)}\n`);
}
