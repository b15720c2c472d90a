import { SCRATCH, type GrantedFiles } from "../../protocol.ts";
import type { GuestContext } from "../context.ts";
import type { Granted, Preopen } from "../wasi/descriptors.ts";
import { snapshotDirectory } from "./snapshot.ts";
import { memoryTree } from "./tree.ts";

/** What is granted to each run of a version: mounts that all runs share, a scratch directory for each. */
export class VersionFiles {
  readonly #mounts: readonly Preopen[];
  readonly #scratchBytes: number;
  readonly #scratchDevice: bigint;
  readonly #mountsOnly: Granted;

  constructor({ mounts, scratchBytes }: GrantedFiles) {
    // A device each, so that no two files are taken for one.
    this.#mounts = mounts.map(({ guest, files }, index) => ({
      name: guest,
      directory: snapshotDirectory(files, BigInt(index + 1)),
    }));
    this.#scratchBytes = scratchBytes;
    this.#scratchDevice = BigInt(mounts.length + 1);
    this.#mountsOnly = { preopens: this.#mounts };
  }

  /** For one run. */
  grant(context: GuestContext): Granted {
    if (this.#scratchBytes === 0) return this.#mountsOnly;
    const scratch = memoryTree({
      limitBytes: this.#scratchBytes,
      device: this.#scratchDevice,
      now: () => context.world.realtime(),
      onFull: () => context.noteLimit("scratch"),
    });
    return { preopens: [...this.#mounts, { name: SCRATCH, directory: scratch }] };
  }
}
