import { BADF, INVAL, NOTSUP, SPIPE } from "../../errno.ts";
import { FILETYPE, type FileStat, type OpenFile } from "../../files.ts";
import { ASK, CHUNK_BYTES, type StreamKind } from "../../files-channel.ts";
import type { HostChannel } from "./channel.ts";

const LONGEST_WAIT_MS = 2 ** 30;

/** The process's stdin (0), stdout (1) or stderr (2), over a channel: nothing is kept back, nothing is cut. */
export function processStream(channel: HostChannel, fd: 0 | 1 | 2, kind: StreamKind): OpenFile {
  return new ProcessStream(channel, fd, kind);
}

class ProcessStream implements OpenFile {
  readonly #channel: HostChannel;
  readonly #fd: 0 | 1 | 2;
  readonly #kind: StreamKind;

  constructor(channel: HostChannel, fd: 0 | 1 | 2, kind: StreamKind) {
    this.#channel = channel;
    this.#fd = fd;
    this.#kind = kind;
  }

  /** A file is told as a pipe is: its position is not this program's alone. */
  stat(): FileStat {
    const type = this.#kind === "terminal" ? FILETYPE.characterDevice : FILETYPE.unknown;
    return { ...NOTHING_KNOWN, type };
  }

  /** Waits until there is something. */
  read(_position: bigint, into: Uint8Array): number {
    if (this.#fd !== 0) throw BADF;
    if (into.length === 0) return 0;
    this.#channel.ask(ASK.readStream, { handle: 0, bytes: Math.min(into.length, CHUNK_BYTES) });
    into.set(this.#channel.bytes());
    return this.#channel.count;
  }

  write(_position: bigint | null, bytes: Uint8Array): number {
    for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
      const part = bytes.subarray(done, done + CHUNK_BYTES);
      this.#channel.ask(ASK.writeStream, { handle: this.#fd, bytes: part });
    }
    return bytes.length;
  }

  ready(timeoutMs: number): number | undefined {
    const whole = Math.max(0, Math.min(Math.ceil(timeoutMs), LONGEST_WAIT_MS));
    this.#channel.ask(ASK.streamReady, { handle: 0, numbers: [BigInt(whole)] });
    return this.#channel.handle === 0 ? undefined : Number(this.#channel.number(0));
  }

  setTimes(): void {
    throw NOTSUP;
  }

  setSize(): void {
    throw INVAL;
  }

  allocate(): void {
    throw SPIPE;
  }

  // Nothing is kept back that could be lost.
  sync(): void {}

  close(): void {}
}

const NOTHING_KNOWN: Omit<FileStat, "type"> = {
  device: 0n,
  inode: 0n,
  links: 1n,
  size: 0n,
  accessedNs: 0n,
  modifiedNs: 0n,
  changedNs: 0n,
};
