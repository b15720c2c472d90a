import { ILSEQ, INVAL, OVERFLOW } from "../../errno.ts";
import type { FileStat, FileTimes, OpenMode } from "../../files.ts";
import {
  channelViews,
  CHUNK_BYTES,
  GIVEN,
  MODE,
  WORD,
  type ChannelViews,
} from "../../files-channel.ts";

const NAME_IS_PATH = process.platform === "win32" ? /[/\\:\0]/ : /[/\0]/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The host's view of what lies in a channel: a question to be read, then the answer put in its place. */
export class Message {
  readonly #views: ChannelViews;

  constructor(channel: SharedArrayBuffer) {
    this.#views = channelViews(channel);
  }

  word(word: keyof typeof WORD): number {
    return this.#views.words[WORD[word]]!;
  }

  putWord(word: keyof typeof WORD, value: number): void {
    this.#views.words[WORD[word]] = value;
  }

  number(index: number): bigint {
    return this.#views.numbers[index]!;
  }

  putNumber(index: number, value: bigint): void {
    this.#views.numbers[index] = value;
  }

  /** All that the channel has room for. */
  get bytes(): Uint8Array {
    return this.#views.bytes;
  }

  /** The part of it that a read fills, or a write empties. */
  room(): Uint8Array {
    return this.#views.bytes.subarray(0, this.#length("bytes"));
  }

  putBytes(bytes: Uint8Array): void {
    if (bytes.length > CHUNK_BYTES) throw OVERFLOW;
    this.#views.bytes.set(bytes);
    this.putWord("bytes", bytes.length);
  }

  putText(text: string): void {
    this.putBytes(encoder.encode(text));
  }

  name(): string {
    return checkedName(this.#text(0, this.#length("bytes")));
  }

  secondName(): string {
    return checkedName(this.secondText());
  }

  secondText(): string {
    return this.#text(this.#length("bytes"), this.#length("secondBytes"));
  }

  mode(): OpenMode {
    const mode = this.number(0);
    return {
      read: (mode & MODE.read) !== 0n,
      write: (mode & MODE.write) !== 0n,
      create: (mode & MODE.create) !== 0n,
      exclusive: (mode & MODE.exclusive) !== 0n,
      truncate: (mode & MODE.truncate) !== 0n,
    };
  }

  times(): FileTimes {
    const given = this.number(0);
    return {
      ...((given & GIVEN.accessed) === 0n ? {} : { accessedNs: BigInt.asIntN(64, this.number(1)) }),
      ...((given & GIVEN.modified) === 0n ? {} : { modifiedNs: BigInt.asIntN(64, this.number(2)) }),
    };
  }

  putStat(stat: FileStat): void {
    this.putNumber(0, stat.device);
    this.putNumber(1, stat.inode);
    this.putNumber(2, BigInt(stat.type));
    this.putNumber(3, stat.links);
    this.putNumber(4, stat.size);
    this.putNumber(5, stat.accessedNs);
    this.putNumber(6, stat.modifiedNs);
    this.putNumber(7, stat.changedNs);
  }

  #length(word: "bytes" | "secondBytes"): number {
    const length = this.word(word);
    if (length < 0 || length > CHUNK_BYTES) throw INVAL;
    return length;
  }

  #text(from: number, length: number): string {
    // The decoder takes no shared memory.
    const bytes = this.#views.bytes.slice(from, from + length);
    try {
      return decoder.decode(bytes);
    } catch {
      throw ILSEQ;
    }
  }
}

/** The port's promise, held where the guest's thread cannot break it: a name leads nowhere else. */
function checkedName(name: string): string {
  if (name === "" || name === "." || name === ".." || NAME_IS_PATH.test(name)) throw INVAL;
  return name;
}
