import { NexusError } from "../core/errors.ts";
import type { Against } from "../core/replay-job.ts";
import type { ArchivedVersion, VersionArchive } from "../functions/functions.ts";
import { findVersion, neverServed } from "./find-recorded.ts";

/** Versions that stay in memory, with their modules. */
const KEPT = 8;

/** Versions to run recordings on; those asked for last stay in memory. */
export class Candidates {
  readonly #versions: VersionArchive;
  readonly #kept = new Map<string, Promise<ArchivedVersion>>();

  constructor(versions: VersionArchive) {
    this.#versions = versions;
  }

  /** The version of this name. VERSION_NOT_FOUND. */
  get(version: string): Promise<ArchivedVersion> {
    return this.#remember(version, () => findVersion(this.#versions, version));
  }

  /** What a run that was recorded on version `recordedOn` is to be run on. VERSION_NOT_FOUND. */
  of(against: Against, recordedOn: string): Promise<ArchivedVersion> {
    if ("version" in against) return this.get(against.version);
    const { module_sha256: module } = against;
    const key = `${recordedOn} ${module}`;
    return this.#remember(key, async () => {
      const candidate = await this.#versions.withModule(recordedOn, module);
      return candidate ?? neverServed(recordedOn);
    });
  }

  /** With the whole name of a version. VERSION_NOT_FOUND, REQUEST_INVALID: several begin so. */
  async resolve(against: Against): Promise<Against> {
    return "version" in against ? { version: await this.#nameOf(against.version) } : against;
  }

  async #nameOf(prefix: string): Promise<string> {
    const short = JSON.stringify(prefix.slice(0, 80));
    if (!/^[0-9a-f]{4,64}$/.test(prefix)) {
      throw new NexusError(
        "REQUEST_INVALID",
        `Cannot find version ${short}: it must be the sha256 of one, or 4 of its digits or more from the first`,
      );
    }
    const [name, ...others] = await this.#versions.find(prefix);
    if (name === undefined) return neverServed(prefix);
    if (others.length === 0) return name;
    throw new NexusError(
      "REQUEST_INVALID",
      `Cannot find version ${short}: ${others.length + 1} begin with it`,
    );
  }

  #remember(key: string, read: () => Promise<ArchivedVersion>): Promise<ArchivedVersion> {
    const found = this.#kept.get(key) ?? read();
    this.#kept.delete(key);
    this.#kept.set(key, found);
    found.catch(() => this.#kept.delete(key));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest!);
    return found;
  }
}
