import { BADF, ERRNO, INVAL, WasiError } from "../../errno.ts";
import type { Directory, OpenFile } from "../../files.ts";
import { ASK, AT_END, type Ask } from "../../files-channel.ts";
import { Listing } from "./listing.ts";
import { Message } from "./message.ts";
import { streamKind, type ProcessStreams } from "./streams.ts";

/** Does what a guest asks over a channel, and puts the answer there. Nothing of what it reads there is trusted. */
export class Answers {
  readonly #message: Message;
  readonly #streams: ProcessStreams;
  readonly #directories = new Map<number, Directory>();
  readonly #files = new Map<number, OpenFile>();
  readonly #listing = new Listing();
  #lastHandle: number;

  /** The directories get their places as handles. */
  constructor(
    channel: SharedArrayBuffer,
    { directories, streams }: { directories: readonly Directory[]; streams: ProcessStreams },
  ) {
    this.#message = new Message(channel);
    this.#streams = streams;
    for (const [handle, directory] of directories.entries()) {
      this.#directories.set(handle, directory);
    }
    this.#lastHandle = directories.length - 1;
  }

  /** Answers the question that is there. Whatever is no WasiError is a bug, and thrown. */
  answer(): void {
    const ask = this.#message.word("code") as Ask;
    this.#message.putWord("code", ERRNO.success);
    try {
      this.#do(ask, this.#message.word("handle"));
    } catch (error) {
      if (!(error instanceof WasiError)) throw error;
      this.#message.putWord("code", error.errno);
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
    const message = this.#message;
    switch (ask) {
      case ASK.stat:
        message.putStat(this.#either(handle).stat());
        return;
      case ASK.setTimes:
        this.#either(handle).setTimes(message.times());
        return;
      case ASK.sync:
        this.#either(handle).sync(message.number(0) === 1n);
        return;
      case ASK.close:
        this.#either(handle).close();
        this.#directories.delete(handle);
        this.#files.delete(handle);
        return;
      case ASK.entries:
        this.#listing.tell(message, this.#directory(handle), Number(message.number(0)));
        return;
      case ASK.statAt: {
        const stat = this.#directory(handle).statAt(message.name());
        if (stat !== undefined) message.putStat(stat);
        message.putWord("handle", stat === undefined ? 0 : 1);
        return;
      }
      case ASK.setTimesAt:
        this.#directory(handle).setTimesAt(message.name(), message.times());
        return;
      case ASK.openDirectory:
        this.#keep(this.#directories, this.#directory(handle).openDirectory(message.name()));
        return;
      case ASK.reopen:
        this.#keep(this.#directories, this.#directory(handle).reopen());
        return;
      case ASK.openFile:
        this.#keep(this.#files, this.#directory(handle).openFile(message.name(), message.mode()));
        return;
      case ASK.readLink:
        message.putText(this.#directory(handle).readLink(message.name()));
        return;
      case ASK.createDirectory:
        this.#directory(handle).createDirectory(message.name());
        return;
      case ASK.removeDirectory:
        this.#directory(handle).removeDirectory(message.name());
        return;
      case ASK.unlink:
        this.#directory(handle).unlink(message.name());
        return;
      case ASK.symlink:
        this.#directory(handle).symlink(message.name(), message.secondText());
        return;
      case ASK.link:
        this.#directory(handle).link(message.name(), this.#target(), message.secondName());
        return;
      case ASK.rename:
        this.#directory(handle).rename(message.name(), this.#target(), message.secondName());
        return;
      case ASK.read:
        message.putWord("bytes", this.#file(handle).read(message.number(0), message.room()));
        return;
      case ASK.write: {
        const position = message.number(0) === AT_END ? null : message.number(0);
        message.putWord("bytes", this.#file(handle).write(position, message.room()));
        return;
      }
      case ASK.setSize:
        this.#file(handle).setSize(message.number(0));
        return;
      case ASK.allocate:
        this.#file(handle).allocate(message.number(0), message.number(1));
        return;
      case ASK.readStream:
        message.putWord("bytes", this.#streams.read(message.room()));
        return;
      case ASK.writeStream:
        this.#writeStream(handle, message.room());
        return;
      case ASK.streamReady: {
        const ready = this.#streams.ready(Number(message.number(0)));
        message.putWord("handle", ready === undefined ? 0 : 1);
        message.putNumber(0, BigInt(ready ?? 0));
        return;
      }
      default:
        ask satisfies never;
        throw INVAL;
    }
  }

  #writeStream(stream: number, bytes: Uint8Array): void {
    if (stream !== 1 && stream !== 2) throw BADF;
    this.#streams.write(stream, bytes);
    const last = bytes.at(-1);
    if (last !== undefined && streamKind(stream) === "terminal") {
      this.#message.putWord("shown", last);
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
    return this.#directory(Number(this.#message.number(0)));
  }

  #keep<T>(handles: Map<number, T>, opened: T): void {
    this.#lastHandle += 1;
    handles.set(this.#lastHandle, opened);
    this.#message.putWord("handle", this.#lastHandle);
  }
}
