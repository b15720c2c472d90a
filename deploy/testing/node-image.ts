// A stand-in for docker.io/library/node:24-bookworm-slim where no registry of images can be reached: Debian by
// debootstrap, Node and npm from npm's registry, and the user that the original has.
import { copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command, type Workshop } from "./store.ts";

export const NODE_IMAGE = "docker.io/library/node:24-bookworm-slim";

/** Resolves when the store has an image by the name that the Dockerfile begins with. */
export async function makeNodeImage(workshop: Workshop): Promise<void> {
  const root = join(workshop.scratch, "node-image");
  await command("debootstrap", "--variant=minbase", "bookworm", root);
  await installNode(root, workshop.scratch);
  await trustAsThisMachine(root);
  await command("chroot", root, "groupadd", "--gid", "1000", "node");
  await command("chroot", root, "useradd", "--uid", "1000", "--gid", "node", "-m", "node");
  for (const folder of [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
  ]) {
    await rm(join(root, folder), { recursive: true, force: true });
  }
  const file = join(workshop.scratch, "node-image.Dockerfile");
  await writeFile(file, 'FROM scratch\nCOPY . /\nCMD ["node"]\n');
  await workshop.buildah(
    "bud",
    "--isolation=chroot",
    "--format=docker",
    "-t",
    NODE_IMAGE,
    "-f",
    file,
    root,
  );
  await rm(root, { recursive: true });
}

async function installNode(root: string, scratch: string): Promise<void> {
  const packages = [`node-linux-${process.arch}@24`, "npm@11"];
  const names = await command(
    "npm",
    "pack",
    "--silent",
    "--pack-destination",
    scratch,
    ...packages,
  );
  const [node, npm] = names
    .trim()
    .split("\n")
    .map((name) => join(scratch, name));
  const local = join(root, "usr/local");
  const modules = join(local, "lib/node_modules");
  await mkdir(join(modules, "npm"), { recursive: true });
  await command("tar", "-xzf", node!, "-C", local, "--strip-components=1", "package/bin/node");
  await command("tar", "-xzf", npm!, "-C", join(modules, "npm"), "--strip-components=1");
  for (const name of ["npm", "npx"]) {
    await command("chmod", "755", join(modules, `npm/bin/${name}-cli.js`));
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
  }
}

// Behind a proxy of a company's own, npm in the image needs the authority that Node is told of here.
async function trustAsThisMachine(root: string): Promise<void> {
  const authority = process.env["NODE_EXTRA_CA_CERTS"];
  if (authority === undefined) return;
  await mkdir(join(root, "usr/local/etc"), { recursive: true });
  await copyFile(authority, join(root, "usr/local/etc/authority.crt"));
  await writeFile(join(root, "usr/local/etc/npmrc"), "cafile=/usr/local/etc/authority.crt\n");
}
