// Programs that a newer Debian has, beside those of this one: downloaded once, unpacked, never installed.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inRepository } from "./manifest.ts";
import { command } from "./store.ts";

const CACHE = inRepository("node_modules/.cache/debian");
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Resolves with the folder that a package of this suite was unpacked to; downloads it where that was not done before.
 * Rejects where there is no apt-get, or no mirror within reach.
 */
export async function unpackedPackage(suite: string, name: string): Promise<string> {
  const folder = join(CACHE, `${suite}-${name}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "work-"));
  try {
    await download(suite, name, work);
    const file = (await readdir(work)).find((one) => one.endsWith(".deb"))!;
    await command("dpkg-deb", "--extract", join(work, file), join(work, "unpacked"));
    // Another test file may have been faster.
    await rename(join(work, "unpacked"), folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY") throw error;
    });
    return folder;
  } catch (cause) {
    throw new Error(`Cannot get ${name} of Debian ${suite}: it takes apt-get and a mirror`, {
      cause,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(suite: string, name: string, folder: string): Promise<void> {
  const list = join(folder, "sources.list");
  await writeFile(list, `deb [signed-by=${KEYRING}] ${await mirror()} ${suite} main\n`);
  await mkdir(join(folder, "lists/partial"), { recursive: true });
  await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  const apart = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    // Or root's downloads are made by a user that does not see this folder.
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  await command("apt-get", ...apart, "update", "-qq");
  // It downloads into the folder that it is in.
  await command("env", `--chdir=${folder}`, "apt-get", ...apart, "download", "-qq", name);
}

/** The one that this machine takes Debian's own packages from. */
async function mirror(): Promise<string> {
  const targets = await command(
    "apt-get",
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
    "Origin: Debian",
    "Label: Debian",
    "Component: main",
  );
  const first = targets.split("\n").find((line) => line !== "");
  if (first !== undefined) return first;
  throw new Error("Cannot find a mirror of Debian: apt-get knows none");
}
