import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { StreamKind } from "../../files-channel.ts";
import { asking, codeOf, wasiError } from "./node-errors.ts";

const SHORTEST_WAIT_MS = 0.5;
const LONGEST_WAIT_MS = 8;
/** What is read ahead while somebody only asks whether there is something to read. */
const AHEAD_BYTES = 65_536;
const STDIN = 0;

/** Nobody reads the stream any more. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

/** The process's own streams, read and written without a buffer; whoever calls waits as long as it takes. */
export class ProcessStreams {
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #ahead: Uint8Array = new Uint8Array(0);

  /** 0 at the end. */
  read(into: Uint8Array): number {
    if (this.#ahead.length > 0) {
      const part = this.#ahead.subarray(0, into.length);
      into.set(part);
      this.#ahead = this.#ahead.subarray(part.length);
      return part.length;
    }
    return asking(() => this.#patiently(() => readSync(STDIN, into)));
  }

  /** All of it; throws BrokenPipe, where a program of the system's would be ended by a signal. */
  write(stream: number, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      try {
        done += this.#patiently(() => writeSync(stream, bytes, done));
      } catch (error) {
        throw codeOf(error) === "EPIPE" ? new BrokenPipe() : wasiError(error);
      }
    }
  }

  /**
   * Waits until there is something to read from stdin, or its end, and tells how many bytes are known to
   * be there; undefined: there was nothing in that time. Where nobody can tell, it says that there is.
   */
  ready(timeoutMs: number): number | undefined {
    if (this.#ahead.length > 0) return this.#ahead.length;
    const peeking = nonBlockingStdin();
    if (peeking === undefined) return 1;
    try {
      const until = performance.now() + timeoutMs;
      for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
        const room = new Uint8Array(AHEAD_BYTES);
        const read = unlessEmpty(() => readSync(peeking, room));
        if (read !== undefined) {
          this.#ahead = room.subarray(0, read);
          return read;
        }
        const left = until - performance.now();
        if (left <= 0) return undefined;
        this.#sleep(Math.min(wait, left));
      }
    } finally {
      closeSync(peeking);
    }
  }

  // Another program may have made the stream a non-blocking one: what they share of it is more than the bytes.
  #patiently(call: () => number): number {
    for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      const done = unlessEmpty(call);
      if (done !== undefined) return done;
      this.#sleep(wait);
    }
  }

  #sleep(ms: number): void {
    Atomics.wait(this.#sleeper, 0, 0, ms);
  }
}

export function streamKind(fd: number): StreamKind {
  return isatty(fd) ? "terminal" : "other";
}

/** Undefined where the stream would have to be waited for. */
function unlessEmpty(call: () => number): number | undefined {
  for (;;) {
    try {
      return call();
    } catch (error) {
      const code = codeOf(error);
      if (code === "EOF") return 0; // Windows says the end of a pipe so
      if (code === "EAGAIN") return undefined;
      if (code !== "EINTR") throw error;
    }
  }
}

/** The stream once more, its own so that nobody else's calls change; undefined where it is no pipe and no terminal. */
function nonBlockingStdin(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    if (!isatty(STDIN) && !fstatSync(STDIN).isFIFO()) return undefined;
    return openSync(
      "/proc/self/fd/0",
      constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    return undefined;
  }
}
