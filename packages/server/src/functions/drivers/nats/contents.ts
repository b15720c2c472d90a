import type { ObjectInfo, ObjectStore } from "@nats-io/obj";
import { NexusError } from "../../../core/errors.ts";
import { sha256 } from "../../../core/ids.ts";
import type { SharedContent } from "../../shared.ts";
import type { Line } from "./line.ts";

/** Parts of this size are one message each; a server takes a mebibyte unless it is told otherwise. */
const PART_BYTES = 128 * 1024;

/** Bytes in an object store, each object named by its sha256. */
export class NatsContents {
  readonly #line: Line;
  readonly #objects: ObjectStore;
  readonly #stallMs: number;
  readonly #puts = new Map<string, Promise<void>>();
  readonly #gets = new Map<string, Promise<Uint8Array>>();

  /** `stallMs`: how long the next part is waited for. */
  constructor(line: Line, objects: ObjectStore, stallMs: number) {
    this.#line = line;
    this.#objects = objects;
    this.#stallMs = stallMs;
  }

  /** Safe to call for the same content at the same time: it is sent once. */
  put(content: SharedContent): Promise<void> {
    return once(this.#puts, content.sha256, () =>
      this.#line.ask(`share "${content.sha256}"`, () => this.#put(content)),
    );
  }

  get(name: string): Promise<Uint8Array> {
    return once(this.#gets, name, async () => {
      const bytes = await this.#line.ask(`read "${name}" from the cluster`, () => this.#read(name));
      if (sha256(bytes) === name) return bytes;
      throw broken(name, "it is damaged: its sha256 is another one");
    });
  }

  async #put({ sha256: name, bytes }: SharedContent): Promise<void> {
    const info = await this.#objects.info(name);
    const sound = info !== null && !info.deleted && info.digest === digestOf(name);
    if (sound && (await this.#partsOf(info)) >= info.chunks) return;
    await this.#objects.put(
      { name, options: { max_chunk_size: PART_BYTES } },
      ReadableStream.from(partsOf(bytes())),
    );
  }

  async #read(name: string): Promise<Uint8Array> {
    const info = await this.#objects.info(name);
    if (info === null || info.deleted) throw broken(name, "it is not there");
    // The client would wait for those that are gone.
    const parts = await this.#partsOf(info);
    if (parts < info.chunks) {
      throw broken(name, `it is damaged: ${parts} of its ${info.chunks} parts are there`);
    }
    const found = await this.#objects.get(name);
    if (found === null) throw broken(name, "it is not there");
    // Reading rejects with the same.
    found.error.catch(() => undefined);
    const reader = found.data.getReader();
    const read: Uint8Array[] = [];
    try {
      for (;;) {
        const { done, value } = await this.#soon(name, reader.read());
        if (done) return Buffer.concat(read);
        read.push(value);
      }
    } catch (error) {
      await reader.cancel().catch(() => undefined);
      if (/digests do not match/.test((error as Error).message)) {
        throw broken(name, "it is damaged: its parts are not what was stored");
      }
      throw error;
    }
  }

  /** How many parts of it are there. */
  async #partsOf({ bucket, nuid }: ObjectInfo): Promise<number> {
    const subject = `$O.${bucket}.C.${nuid}`;
    const { streamInfo } = await this.#objects.status({ subjects_filter: subject });
    return streamInfo.state.subjects?.[subject] ?? 0;
  }

  async #soon<T>(name: string, part: Promise<T>): Promise<T> {
    const { promise: stalled, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(broken(name, `nothing of it came for ${this.#stallMs} ms`)),
      this.#stallMs,
    );
    timer.unref();
    try {
      return await Promise.race([part, stalled]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The work under this name that is under way, or this one. */
function once<T>(
  underWay: Map<string, Promise<T>>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const other = underWay.get(name);
  if (other !== undefined) return other;
  const mine = work().finally(() => underWay.delete(name));
  underWay.set(name, mine);
  return mine;
}

/** What the store itself notes of an object. */
function digestOf(name: string): string {
  const base64 = Buffer.from(name, "hex").toString("base64");
  return `SHA-256=${base64.replaceAll("+", "-").replaceAll("/", "_")}`;
}

function* partsOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    yield bytes.subarray(at, at + PART_BYTES);
  }
}

function broken(name: string, how: string): NexusError {
  return new NexusError("MODULE_INVALID", `Cannot read "${name}" from the cluster: ${how}`);
}
