// Images and containers without an engine: buildah and podman on a storage of their own, gone at the end.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const LONGEST_COMMAND_MS = 300_000;

/** All that buildah and podman keep, in one folder; nothing of the machine's own containers is seen or touched. */
export interface Store extends AsyncDisposable {
  /** A folder for files of the test's own. */
  readonly scratch: string;
  /** Resolves with stdout; rejects where the program ends with another code than 0. */
  buildah(...args: readonly string[]): Promise<string>;
  podman(...args: readonly string[]): Promise<string>;
  /** The same, with its output as it comes. */
  startPodman(...args: readonly string[]): ChildProcessWithoutNullStreams;
}

/** Ends with every container removed, every mount undone and the folder deleted. */
export async function openStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-deploy-"));
  const storage = [
    `--root=${folder}/storage`,
    `--runroot=${folder}/run`,
    "--storage-driver=overlay",
  ];
  // crun and systemd's cgroups do not work everywhere that runc and cgroupfs do.
  const engine = [
    ...storage,
    `--tmpdir=${folder}/engine`,
    "--runtime=runc",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
  const podman = (...args: readonly string[]): Promise<string> =>
    command("podman", ...engine, ...args);
  return {
    scratch: folder,
    buildah: (...args) => command("buildah", ...storage, ...args),
    podman,
    startPodman: (...args) => spawn("podman", [...engine, ...args]),
    async [Symbol.asyncDispose]() {
      await podman("rm", "--all", "--force", "--time", "0");
      // The driver mounts its own folder for as long as the machine runs.
      await run("umount", [`${folder}/storage/overlay`]).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves with what the program wrote to stdout; the error of one that fails has its stderr. */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, {
    timeout: LONGEST_COMMAND_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
