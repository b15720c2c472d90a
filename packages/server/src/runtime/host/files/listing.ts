import type { Directory, DirectoryEntry } from "../../files.ts";
import { ENTRY } from "../../files-channel.ts";
import type { Message } from "./message.ts";

const encoder = new TextEncoder();

/** What a directory holds, told in as many parts as it takes; all of it is taken down at the first. */
export class Listing {
  #directory: Directory | undefined;
  #entries: readonly DirectoryEntry[] = [];

  /** Puts as many entries as have room into the message, from the one with this place on. */
  tell(message: Message, directory: Directory, from: number): void {
    if (from === 0 || this.#directory !== directory) {
      this.#entries = directory.entries();
      this.#directory = directory;
    }
    const { bytes } = message;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    let index = from;
    for (; index < this.#entries.length; index += 1) {
      const { name, inode, type } = this.#entries[index]!;
      const nameBytes = encoder.encode(name);
      if (at + ENTRY.name + nameBytes.length > bytes.length) break;
      view.setBigUint64(at + ENTRY.inode, inode, true);
      view.setUint8(at + ENTRY.type, type);
      view.setUint16(at + ENTRY.nameBytes, nameBytes.length, true);
      bytes.set(nameBytes, at + ENTRY.name);
      at += ENTRY.name + nameBytes.length;
    }
    message.putWord("bytes", at);
    message.putNumber(0, BigInt(index));
    message.putNumber(1, BigInt(this.#entries.length));
    if (index >= this.#entries.length) this.#directory = undefined;
  }
}
