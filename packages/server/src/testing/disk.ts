// File systems that are quickly full, or take no writes. Root ignores modes, so nothing less than a mount will do.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = process.getuid?.() === 0 && process.platform === "linux";

/** Options of a test that mounts: without root it is skipped, and says so. */
export const needsRoot = root ? {} : { skip: "mounting a small file system takes root on Linux" };

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  makeReadOnly(): void;
}

export async function smallDisk(size: string): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "nexus-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  return {
    path,
    makeReadOnly: () => void execFileSync("mount", ["-o", "remount,ro", path]),
    async [Symbol.asyncDispose]() {
      execFileSync("umount", [path]);
      await rm(path, { recursive: true });
    },
  };
}
