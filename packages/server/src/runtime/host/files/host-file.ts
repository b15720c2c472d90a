import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { FBIG, INVAL } from "../../errno.ts";
import type { FileStat, FileTimes, OpenFile } from "../../files.ts";
import type { ExactTimes } from "./exact-times.ts";
import { asking, codeOf, wasiError } from "./node-errors.ts";
import { fileStat } from "./stat.ts";

const FARTHEST = 2n ** 63n - 1n;
const NOTHING = new Uint8Array(0);

/** A file of the host's, by its descriptor. */
export class HostFile implements OpenFile {
  readonly #fd: number;
  readonly #times: ExactTimes;
  /** The same file, opened to append; made when it is first needed. */
  #appending: number | undefined;

  constructor(fd: number, times: ExactTimes) {
    this.#fd = fd;
    this.#times = times;
  }

  stat(): FileStat {
    return this.#times.told(this.#stored());
  }

  setTimes(times: FileTimes): void {
    this.#times.set(times, {
      set: (accessed, modified) => asking(() => futimesSync(this.#fd, accessed, modified)),
      stat: () => this.#stored(),
    });
  }

  read(position: bigint, into: Uint8Array): number {
    if (position + BigInt(into.length) > FARTHEST) throw INVAL;
    return asking(() => positioned(position, (at) => readSync(this.#fd, into, { position: at })));
  }

  write(position: bigint | null, bytes: Uint8Array): number {
    let done = 0;
    try {
      do {
        const part = bytes.subarray(done);
        done +=
          position === null ? this.#append(part) : this.#writeAt(position + BigInt(done), part);
      } while (done < bytes.length);
    } catch (error) {
      // What was written before there was no more room stays written.
      if (done === 0) throw wasiError(error);
    }
    return done;
  }

  setSize(size: bigint): void {
    asking(() => ftruncateSync(this.#fd, wholeNumber(size)));
  }

  // Node has no fallocate: the room is not set aside, and a later write may still find the disk full.
  allocate(offset: bigint, length: bigint): void {
    // Refuses what was opened to read only, also where nothing would change.
    asking(() => writeSync(this.#fd, NOTHING));
    const size = offset + length;
    if (size > this.#stored().size) this.setSize(size);
  }

  sync(dataOnly: boolean): void {
    asking(() => (dataOnly ? fdatasyncSync(this.#fd) : fsyncSync(this.#fd)));
  }

  close(): void {
    asking(() => closeSync(this.#fd));
    if (this.#appending !== undefined) asking(() => closeSync(this.#appending!));
  }

  #stored(): FileStat {
    return asking(() => fileStat(fstatSync(this.#fd, { bigint: true })));
  }

  #writeAt(position: bigint, bytes: Uint8Array): number {
    // writeSync takes a bigint for no position at all.
    const place = wholeNumber(position);
    return positioned(place, (at) => writeSync(this.#fd, bytes, 0, bytes.length, at));
  }

  #append(bytes: Uint8Array): number {
    this.#appending ??= reopened(this.#fd);
    if (this.#appending !== undefined) {
      return writeSync(this.#appending, bytes, 0, bytes.length, null);
    }
    return this.#writeAt(this.#stored().size, bytes);
  }
}

/** The file anew, so that the system finds the end and writes in one step; undefined where it cannot be had. */
function reopened(fd: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND);
  } catch {
    return undefined; // no /proc, or its permissions have changed since
  }
}

/** A pipe or a terminal has no positions: there the next bytes are meant. */
function positioned<P>(position: P, call: (at: P | null) => number): number {
  try {
    return call(position);
  } catch (error) {
    if (codeOf(error) !== "ESPIPE") throw error;
    return call(null);
  }
}

/** A position or a size as node:fs takes it; what lies beyond, no file system holds. */
function wholeNumber(bytes: bigint): number {
  if (bytes > FARTHEST) throw INVAL;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw FBIG;
  return Number(bytes);
}
