import { XDEV } from "../../errno.ts";
import type {
  Directory,
  DirectoryEntry,
  FileStat,
  FileTimes,
  FileType,
  OpenFile,
  OpenMode,
} from "../../files.ts";
import { ASK, AT_END, CHUNK_BYTES, ENTRY, GIVEN, MODE, type Ask } from "../../files-channel.ts";
import type { HostChannel } from "./channel.ts";

/** A directory of the host's, over a channel; `handle`: its place among the granted ones. */
export function remoteDirectory(channel: HostChannel, handle: number): Directory {
  return new RemoteDirectory(channel, handle);
}

/** What is alike for all that is open. */
class Remote {
  readonly channel: HostChannel;
  readonly handle: number;

  constructor(channel: HostChannel, handle: number) {
    this.channel = channel;
    this.handle = handle;
  }

  stat(): FileStat {
    this.channel.ask(ASK.stat, this);
    return statOf(this.channel);
  }

  setTimes(times: FileTimes): void {
    this.channel.ask(ASK.setTimes, { handle: this.handle, numbers: timeNumbers(times) });
  }

  sync(dataOnly: boolean): void {
    this.channel.ask(ASK.sync, { handle: this.handle, numbers: [dataOnly ? 1n : 0n] });
  }

  close(): void {
    this.channel.ask(ASK.close, this);
  }
}

class RemoteDirectory implements Directory {
  readonly #own: Remote;

  constructor(channel: HostChannel, handle: number) {
    this.#own = new Remote(channel, handle);
  }

  stat(): FileStat {
    return this.#own.stat();
  }

  setTimes(times: FileTimes): void {
    this.#own.setTimes(times);
  }

  sync(): void {
    this.#own.sync(false);
  }

  close(): void {
    this.#own.close();
  }

  entries(): readonly DirectoryEntry[] {
    const { channel, handle } = this.#own;
    const entries: DirectoryEntry[] = [];
    for (let more = true; more;) {
      channel.ask(ASK.entries, { handle, numbers: [BigInt(entries.length)] });
      more = channel.number(0) < channel.number(1);
      takeEntries(channel, entries);
    }
    return entries;
  }

  statAt(name: string): FileStat | undefined {
    this.#ask(ASK.statAt, name);
    return this.#own.channel.handle === 0 ? undefined : statOf(this.#own.channel);
  }

  setTimesAt(name: string, times: FileTimes): void {
    this.#ask(ASK.setTimesAt, name, timeNumbers(times));
  }

  openDirectory(name: string): Directory {
    this.#ask(ASK.openDirectory, name);
    return new RemoteDirectory(this.#own.channel, this.#own.channel.handle);
  }

  reopen(): Directory {
    const { channel } = this.#own;
    channel.ask(ASK.reopen, this.#own);
    return new RemoteDirectory(channel, channel.handle);
  }

  openFile(name: string, { read, write, create, exclusive, truncate }: OpenMode): OpenFile {
    const mode =
      (read ? MODE.read : 0n) |
      (write ? MODE.write : 0n) |
      (create ? MODE.create : 0n) |
      (exclusive ? MODE.exclusive : 0n) |
      (truncate ? MODE.truncate : 0n);
    this.#ask(ASK.openFile, name, [mode]);
    return new RemoteFile(this.#own.channel, this.#own.channel.handle);
  }

  readLink(name: string): string {
    this.#ask(ASK.readLink, name);
    return this.#own.channel.text();
  }

  createDirectory(name: string): void {
    this.#ask(ASK.createDirectory, name);
  }

  removeDirectory(name: string): void {
    this.#ask(ASK.removeDirectory, name);
  }

  unlink(name: string): void {
    this.#ask(ASK.unlink, name);
  }

  symlink(name: string, target: string): void {
    this.#own.channel.ask(ASK.symlink, { handle: this.#own.handle, names: [name, target] });
  }

  link(name: string, to: Directory, newName: string): void {
    this.#askOfTwo(ASK.link, [name, newName], to);
  }

  rename(name: string, to: Directory, newName: string): void {
    this.#askOfTwo(ASK.rename, [name, newName], to);
  }

  #ask(ask: Ask, name: string, numbers: readonly bigint[] = []): void {
    this.#own.channel.ask(ask, { handle: this.#own.handle, names: [name], numbers });
  }

  #askOfTwo(ask: Ask, names: readonly [string, string], to: Directory): void {
    const { channel, handle } = this.#own;
    if (!(to instanceof RemoteDirectory) || to.#own.channel !== channel) throw XDEV;
    channel.ask(ask, { handle, names, numbers: [BigInt(to.#own.handle)] });
  }
}

class RemoteFile implements OpenFile {
  readonly #own: Remote;

  constructor(channel: HostChannel, handle: number) {
    this.#own = new Remote(channel, handle);
  }

  stat(): FileStat {
    return this.#own.stat();
  }

  setTimes(times: FileTimes): void {
    this.#own.setTimes(times);
  }

  sync(dataOnly: boolean): void {
    this.#own.sync(dataOnly);
  }

  close(): void {
    this.#own.close();
  }

  read(position: bigint, into: Uint8Array): number {
    const { channel, handle } = this.#own;
    let done = 0;
    do {
      const bytes = Math.min(into.length - done, CHUNK_BYTES);
      channel.ask(ASK.read, { handle, numbers: [position + BigInt(done)], bytes });
      into.set(channel.bytes(), done);
      done += channel.count;
      if (channel.count < bytes) break;
    } while (done < into.length);
    return done;
  }

  write(position: bigint | null, bytes: Uint8Array): number {
    const { channel, handle } = this.#own;
    let done = 0;
    do {
      const part = bytes.subarray(done, done + CHUNK_BYTES);
      const at = position === null ? AT_END : position + BigInt(done);
      try {
        channel.ask(ASK.write, { handle, numbers: [at], bytes: part });
      } catch (error) {
        // What was written before there was no more room stays written.
        if (done === 0) throw error;
        break;
      }
      done += channel.count;
      if (channel.count < part.length) break;
    } while (done < bytes.length);
    return done;
  }

  setSize(size: bigint): void {
    this.#own.channel.ask(ASK.setSize, { handle: this.#own.handle, numbers: [size] });
  }

  allocate(offset: bigint, length: bigint): void {
    this.#own.channel.ask(ASK.allocate, { handle: this.#own.handle, numbers: [offset, length] });
  }
}

function statOf(channel: HostChannel): FileStat {
  return {
    device: channel.number(0),
    inode: channel.number(1),
    type: Number(channel.number(2)) as FileType,
    links: channel.number(3),
    size: channel.number(4),
    accessedNs: BigInt.asIntN(64, channel.number(5)),
    modifiedNs: BigInt.asIntN(64, channel.number(6)),
    changedNs: BigInt.asIntN(64, channel.number(7)),
  };
}

function timeNumbers({ accessedNs, modifiedNs }: FileTimes): readonly bigint[] {
  const given =
    (accessedNs === undefined ? 0n : GIVEN.accessed) |
    (modifiedNs === undefined ? 0n : GIVEN.modified);
  return [given, accessedNs ?? 0n, modifiedNs ?? 0n];
}

function takeEntries(channel: HostChannel, into: DirectoryEntry[]): void {
  const bytes = channel.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const from = at + ENTRY.name;
    const to = from + view.getUint16(at + ENTRY.nameBytes, true);
    into.push({
      inode: view.getBigUint64(at + ENTRY.inode, true),
      type: view.getUint8(at + ENTRY.type) as FileType,
      name: channel.text(from, to),
    });
    at = to;
  }
}
