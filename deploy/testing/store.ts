// Images and containers without an engine: buildah and podman on a storage of their own, gone at the end.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openMachine } from "./machine.ts";

const run = promisify(execFile);
const LONGEST_COMMAND_MS = 300_000;

/** All that buildah and podman keep, in one folder; nothing of the machine's own containers is seen or touched. */
export interface Store extends AsyncDisposable {
  /** A folder for files of the test's own. */
  readonly scratch: string;
  /** Resolves with stdout; rejects where the program ends with another code than 0. */
  podman(...args: readonly string[]): Promise<string>;
  /** The same, with its output as it comes. */
  startPodman(...args: readonly string[]): ChildProcessWithoutNullStreams;
  /** Any program, where the containers are: it reaches their networks. */
  run(program: string, ...args: readonly string[]): Promise<string>;
}

/** A store for images to be built in. */
export interface Workshop extends Store {
  /** With this machine's network. */
  buildah(...args: readonly string[]): Promise<string>;
}

/**
 * A store whose containers run in a machine of their own, with networks of their own. Ends with every container
 * removed, its processes gone and the folder deleted.
 */
export async function openStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-deploy-"));
  const machine = await openMachine();
  const store = storeIn(folder, machine.enter);
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      try {
        await removeContainers(store);
      } finally {
        // Whatever is still there ends with the machine.
        await machine[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-deploy-"));
  return {
    ...storeIn(folder, []),
    buildah: (...args) => command("buildah", ...storage(folder), ...args),
    async [Symbol.asyncDispose]() {
      // The driver mounts its own folder for as long as the machine runs.
      await run("umount", [`${folder}/storage/overlay`]).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function storage(folder: string): string[] {
  return [`--root=${folder}/storage`, `--runroot=${folder}/run`, "--storage-driver=overlay"];
}

function storeIn(folder: string, enter: readonly string[]): Omit<Store, keyof AsyncDisposable> {
  // crun and systemd's cgroups do not work everywhere that runc and cgroupfs do.
  const podman = [
    "podman",
    ...storage(folder),
    `--tmpdir=${folder}/engine`,
    `--network-config-dir=${folder}/networks`,
    "--runtime=runc",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
  const line = (...args: readonly string[]): [string, ...string[]] =>
    [...enter, ...args] as [string, ...string[]];
  return {
    scratch: folder,
    podman: (...args) => command(...line(...podman, ...args)),
    startPodman(...args) {
      const [program, ...rest] = line(...podman, ...args);
      return spawn(program, rest);
    },
    run: (program, ...args) => command(...line(program, ...args)),
  };
}

async function removeContainers({ podman }: Pick<Store, "podman">): Promise<void> {
  await podman("pod", "rm", "--all", "--force", "--time", "0");
  await podman("rm", "--all", "--force", "--time", "0");
}

/** Resolves with what the program wrote to stdout; the error of one that fails has its stderr. */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, {
    timeout: LONGEST_COMMAND_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
