// Calls WASI functions as a guest does: numbers and a memory, no more.
import { ERRNO } from "../errno.ts";
import { GuestContext } from "../guest/context.ts";
import type { Granted } from "../guest/wasi/descriptors.ts";
import { preview1 } from "../guest/wasi/preview1.ts";
import { HostBell } from "../guest/host-bell.ts";
import { Seat } from "../guest/seat.ts";
import { BLOCKING } from "../guest/blocking.ts";
import { HostSeat } from "../host/seat.ts";
import { CONTROL_BYTES, controlViews } from "../protocol.ts";

const RESULT = 0;
const IOVEC = 16;
const STRINGS = 1024;
const DATA = 16_384;
const BELL = new HostBell(new SharedArrayBuffer(4));
export const ALL_RIGHTS = (1n << 29n) - 1n;

export type Code = keyof typeof ERRNO;

export interface Opening {
  readonly lookup?: number;
  readonly open?: number;
  readonly rights?: bigint;
  readonly flags?: number;
}

/** A guest of a run that begins with these grants. A code is told by its name; "success" is one too. */
export class Caller {
  readonly context = new GuestContext(BLOCKING);
  readonly memory = new WebAssembly.Memory({ initial: 2 });
  readonly #wasi = preview1(this.context) as Record<string, (...args: unknown[]) => number>;
  readonly #view = new DataView(this.memory.buffer);
  readonly #bytes = new Uint8Array(this.memory.buffer);
  readonly #hostSeat = new HostSeat();
  #strings = STRINGS;

  constructor(granted: Granted, stdin = "") {
    const input = { id: 0, run: 0, reservedPages: 0, supervisedMs: 0, env: {}, args: ["guest"] };
    this.#hostSeat.write({ ...input, stdin: new TextEncoder().encode(stdin) });
    const seat = new Seat(0, controlViews(new SharedArrayBuffer(CONTROL_BYTES)), BELL);
    seat.exchange(this.#hostSeat.buffers);
    this.context.begin(seat, { mostCalls: Infinity, startedMs: performance.now() });
    this.context.grant(granted);
    this.context.memory.attach(this.memory);
  }

  /** What it has written to the platform's own stdout. */
  get output(): Uint8Array {
    return this.#hostSeat.effects().output;
  }

  /** Any function; a text stands for its address and length. */
  call(name: string, ...args: readonly (number | bigint | string | Uint8Array)[]): Code {
    this.#strings = STRINGS;
    const flat = args.flatMap((arg) =>
      typeof arg === "number" || typeof arg === "bigint" ? [arg] : this.#place(arg),
    );
    return codeName(this.#wasi[name]!(...flat));
  }

  /** The descriptor, or why there is none. */
  open(fd: number, path: string, opening: Opening = {}): number | Code {
    const { lookup = 1, open = 0, rights = RIGHTS_TO_READ, flags = 0 } = opening;
    const code = this.call("path_open", fd, lookup, path, open, rights, 0n, flags, RESULT);
    return code === "success" ? this.u32(RESULT) : code;
  }

  write(fd: number, content: string, offset?: bigint): number | Code {
    const [at, length] = this.#data(content);
    this.#iovec(at, length);
    const code = codeName(
      offset === undefined
        ? this.#wasi["fd_write"]!(fd, IOVEC, 1, RESULT)
        : this.#wasi["fd_pwrite"]!(fd, IOVEC, 1, offset, RESULT),
    );
    return code === "success" ? this.u32(RESULT) : code;
  }

  read(fd: number, length = 4096): string {
    this.#iovec(DATA, length);
    const code = codeName(this.#wasi["fd_read"]!(fd, IOVEC, 1, RESULT));
    return code === "success" ? this.text(DATA, this.u32(RESULT)) : code;
  }

  /** What `path` names: `inode`, `type`, `size`. */
  stat(fd: number, path: string, lookup = 0): { inode: bigint; type: number; size: bigint } | Code {
    const code = this.call("path_filestat_get", fd, lookup, path, DATA);
    if (code !== "success") return code;
    const [inode, size] = [this.u64(DATA + 8), this.u64(DATA + 32)];
    return { inode, type: this.#bytes[DATA + 16]!, size };
  }

  readLink(fd: number, path: string): string {
    const code = this.call("path_readlink", fd, path, DATA, 4096, RESULT);
    return code === "success" ? this.text(DATA, this.u32(RESULT)) : code;
  }

  /** The names that one call gives behind a cookie, and the last one's cookie. */
  list(fd: number, room = 4096, cookie = 0n): { names: string[]; cookie: bigint } {
    const code = this.call("fd_readdir", fd, DATA, room, cookie, RESULT);
    if (code !== "success") throw new Error(code);
    const end = DATA + this.u32(RESULT);
    const names: string[] = [];
    let last = cookie;
    for (let at = DATA; at + 24 <= end;) {
      const length = this.u32(at + 16);
      if (at + 24 + length > end) break;
      names.push(this.text(at + 24, length));
      last = this.u64(at);
      at += 24 + length;
    }
    return { names, cookie: last };
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  text(at: number, length: number): string {
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  #iovec(at: number, length: number): void {
    this.#view.setUint32(IOVEC, at, true);
    this.#view.setUint32(IOVEC + 4, length, true);
  }

  #place(value: string | Uint8Array): [at: number, length: number] {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    const at = this.#strings;
    this.#bytes.set(bytes, at);
    this.#strings += bytes.length;
    return [at, bytes.length];
  }

  #data(content: string): [at: number, length: number] {
    const bytes = new TextEncoder().encode(content);
    this.#bytes.set(bytes, DATA);
    return [DATA, bytes.length];
  }
}

const RIGHTS_TO_READ = 1n << 1n;

function codeName(errno: number): Code {
  return Object.entries(ERRNO).find(([, value]) => value === errno)![0] as Code;
}
