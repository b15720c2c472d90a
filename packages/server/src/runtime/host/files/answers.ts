import { BADF, ERRNO, ILSEQ, INVAL, OVERFLOW, WasiError } from "../../errno.ts";
import type { Directory, DirectoryEntry, FileStat, FileTimes, OpenFile } from "../../files.ts";
import {
  ASK,
  AT_END,
  channelViews,
  CHUNK_BYTES,
  ENTRY,
  GIVEN,
  MODE,
  WORD,
  type Ask,
  type ChannelViews,
} from "../../files-channel.ts";
import type { ProcessStreams } from "./streams.ts";

const NAME_IS_PATH = process.platform === "win32" ? /[/\\:\0]/ : /[/\0]/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Listing {
  readonly handle: number;
  readonly entries: readonly DirectoryEntry[];
}

/** Does what a guest asks over a channel, and puts the answer there. Nothing of what it reads there is trusted. */
export class Answers {
  readonly #views: ChannelViews;
  readonly #streams: ProcessStreams;
  readonly #directories = new Map<number, Directory>();
  readonly #files = new Map<number, OpenFile>();
  #lastHandle: number;
  /** The one being read, part by part. */
  #listing: Listing | undefined;

  /** The directories get their places as handles. */
  constructor(
    channel: SharedArrayBuffer,
    { directories, streams }: { directories: readonly Directory[]; streams: ProcessStreams },
  ) {
    this.#views = channelViews(channel);
    this.#streams = streams;
    for (const [handle, directory] of directories.entries()) {
      this.#directories.set(handle, directory);
    }
    this.#lastHandle = directories.length - 1;
  }

  /** Answers the question that is there. Whatever is no WasiError is a bug, and thrown. */
  answer(): void {
    const { words } = this.#views;
    const ask = words[WORD.code]! as Ask;
    words[WORD.code] = ERRNO.success;
    try {
      this.#do(ask, words[WORD.handle]!);
    } catch (error) {
      if (!(error instanceof WasiError)) throw error;
      words[WORD.code] = error.errno;
    }
  }

  /** Closes all that is open. */
  close(): void {
    for (const directory of this.#directories.values()) directory.close();
    for (const file of this.#files.values()) file.close();
    this.#directories.clear();
    this.#files.clear();
  }

  #do(ask: Ask, handle: number): void {
    const { numbers, bytes, words } = this.#views;
    switch (ask) {
      case ASK.stat:
        this.#putStat(this.#either(handle).stat());
        return;
      case ASK.setTimes:
        this.#either(handle).setTimes(this.#times());
        return;
      case ASK.sync:
        this.#directories.get(handle)?.sync();
        if (!this.#directories.has(handle)) this.#file(handle).sync(numbers[0] === 1n);
        return;
      case ASK.close:
        this.#either(handle).close();
        this.#directories.delete(handle);
        this.#files.delete(handle);
        if (this.#listing?.handle === handle) this.#listing = undefined;
        return;
      case ASK.entries:
        this.#list(handle, Number(numbers[0]));
        return;
      case ASK.statAt: {
        const stat = this.#directory(handle).statAt(this.#name());
        if (stat !== undefined) this.#putStat(stat);
        words[WORD.handle] = stat === undefined ? 0 : 1;
        return;
      }
      case ASK.setTimesAt:
        this.#directory(handle).setTimesAt(this.#name(), this.#times());
        return;
      case ASK.openDirectory:
        this.#keep(this.#directories, this.#directory(handle).openDirectory(this.#name()));
        return;
      case ASK.reopen:
        this.#keep(this.#directories, this.#directory(handle).reopen());
        return;
      case ASK.openFile: {
        const mode = numbers[0]!;
        const opened = this.#directory(handle).openFile(this.#name(), {
          read: (mode & MODE.read) !== 0n,
          write: (mode & MODE.write) !== 0n,
          create: (mode & MODE.create) !== 0n,
          exclusive: (mode & MODE.exclusive) !== 0n,
          truncate: (mode & MODE.truncate) !== 0n,
        });
        this.#keep(this.#files, opened);
        return;
      }
      case ASK.readLink:
        this.#putBytes(encoder.encode(this.#directory(handle).readLink(this.#name())));
        return;
      case ASK.createDirectory:
        this.#directory(handle).createDirectory(this.#name());
        return;
      case ASK.removeDirectory:
        this.#directory(handle).removeDirectory(this.#name());
        return;
      case ASK.unlink:
        this.#directory(handle).unlink(this.#name());
        return;
      case ASK.symlink:
        this.#directory(handle).symlink(this.#name(), this.#secondText());
        return;
      case ASK.link:
        this.#directory(handle).link(this.#name(), this.#target(), this.#secondName());
        return;
      case ASK.rename:
        this.#directory(handle).rename(this.#name(), this.#target(), this.#secondName());
        return;
      case ASK.read:
        words[WORD.bytes] = this.#file(handle).read(numbers[0]!, this.#room());
        return;
      case ASK.write: {
        const position = numbers[0] === AT_END ? null : numbers[0]!;
        words[WORD.bytes] = this.#file(handle).write(position, this.#room());
        return;
      }
      case ASK.setSize:
        this.#file(handle).setSize(numbers[0]!);
        return;
      case ASK.allocate:
        this.#file(handle).allocate(numbers[0]!, numbers[1]!);
        return;
      case ASK.readStream:
        words[WORD.bytes] = this.#streams.read(this.#room());
        return;
      case ASK.writeStream:
        if (handle !== 1 && handle !== 2) throw BADF;
        this.#streams.write(handle, bytes.subarray(0, this.#length(WORD.bytes)));
        return;
      case ASK.streamReady: {
        const ready = this.#streams.ready(Number(numbers[0]));
        words[WORD.handle] = ready === undefined ? 0 : 1;
        numbers[0] = BigInt(ready ?? 0);
        return;
      }
      default:
        ask satisfies never;
        throw INVAL;
    }
  }

  #directory(handle: number): Directory {
    const directory = this.#directories.get(handle);
    if (directory === undefined) throw BADF;
    return directory;
  }

  #file(handle: number): OpenFile {
    const file = this.#files.get(handle);
    if (file === undefined) throw BADF;
    return file;
  }

  #either(handle: number): Directory | OpenFile {
    return this.#directories.get(handle) ?? this.#file(handle);
  }

  #target(): Directory {
    return this.#directory(Number(this.#views.numbers[0]));
  }

  #keep<T>(handles: Map<number, T>, opened: T): void {
    this.#lastHandle += 1;
    handles.set(this.#lastHandle, opened);
    this.#views.words[WORD.handle] = this.#lastHandle;
  }

  #times(): FileTimes {
    const [given, accessed, modified] = this.#views.numbers;
    return {
      ...((given! & GIVEN.accessed) === 0n ? {} : { accessedNs: BigInt.asIntN(64, accessed!) }),
      ...((given! & GIVEN.modified) === 0n ? {} : { modifiedNs: BigInt.asIntN(64, modified!) }),
    };
  }

  #putStat(stat: FileStat): void {
    const { numbers } = this.#views;
    numbers[0] = stat.device;
    numbers[1] = stat.inode;
    numbers[2] = BigInt(stat.type);
    numbers[3] = stat.links;
    numbers[4] = stat.size;
    numbers[5] = stat.accessedNs;
    numbers[6] = stat.modifiedNs;
    numbers[7] = stat.changedNs;
  }

  #putBytes(bytes: Uint8Array): void {
    if (bytes.length > CHUNK_BYTES) throw OVERFLOW;
    this.#views.bytes.set(bytes);
    this.#views.words[WORD.bytes] = bytes.length;
  }

  /** As many entries as have room, from the one with this place on; all of them are taken down at the first. */
  #list(handle: number, from: number): void {
    if (from === 0 || this.#listing?.handle !== handle) {
      this.#listing = { handle, entries: this.#directory(handle).entries() };
    }
    const { bytes, numbers, words } = this.#views;
    const { entries } = this.#listing;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    let index = from;
    for (; index < entries.length; index += 1) {
      const { name, inode, type } = entries[index]!;
      const nameBytes = encoder.encode(name);
      if (at + ENTRY.name + nameBytes.length > bytes.length) break;
      view.setBigUint64(at + ENTRY.inode, inode, true);
      view.setUint8(at + ENTRY.type, type);
      view.setUint16(at + ENTRY.nameBytes, nameBytes.length, true);
      bytes.set(nameBytes, at + ENTRY.name);
      at += ENTRY.name + nameBytes.length;
    }
    words[WORD.bytes] = at;
    numbers[0] = BigInt(index);
    numbers[1] = BigInt(entries.length);
    if (index === entries.length) this.#listing = undefined;
  }

  /** The part of the channel that a read fills, or a write empties. */
  #room(): Uint8Array {
    return this.#views.bytes.subarray(0, this.#length(WORD.bytes));
  }

  #length(word: typeof WORD.bytes | typeof WORD.secondBytes): number {
    const length = this.#views.words[word]!;
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

  #name(): string {
    return checkedName(this.#text(0, this.#length(WORD.bytes)));
  }

  #secondText(): string {
    return this.#text(this.#length(WORD.bytes), this.#length(WORD.secondBytes));
  }

  #secondName(): string {
    return checkedName(this.#secondText());
  }
}

/** The port's promise, held where the guest's thread cannot break it: a name leads nowhere else. */
function checkedName(name: string): string {
  if (name === "" || name === "." || name === ".." || NAME_IS_PATH.test(name)) throw INVAL;
  return name;
}
