import { LOOP, NAMETOOLONG, NOENT, PERM, WasiError } from "../../errno.ts";
import { FILETYPE, type Directory } from "../../files.ts";

/** As Linux has it. */
const MOST_LINKS = 40;
const MOST_NAME_BYTES = 255;
/** A character takes at most three bytes for each of its code units. */
const SURELY_SHORT = MOST_NAME_BYTES / 3;

/** Where a path leads. To be closed. */
export interface Place {
  readonly directory: Directory;
  /** What stands there, or does not yet; undefined: the path leads to `directory` itself. */
  readonly name: string | undefined;
  /** Whether only a directory may stand there: the path ends in a slash. */
  readonly slash: boolean;
  close(): void;
}

/** Whether a symbolic link at the end is followed: always, where a slash comes behind it, never. */
export type Follow = "always" | "slash" | "never";

/**
 * Walks a path from a directory, and nowhere else: an absolute path or link and a `..` out of `start`
 * end with PERM, as under the reference runtime. What `start` itself stands in is never asked.
 */
export function walk(start: Directory, path: string, follow: Follow): Place {
  if (path === "") throw NOENT;
  const walker = new Walker(start);
  try {
    return walker.walk(path, follow);
  } catch (error) {
    walker.close();
    throw error;
  }
}

class Walker {
  readonly #start: Directory;
  /** The directories on the way down, the deepest last: what `..` goes back through. */
  readonly #opened: Directory[] = [];
  /** Names still to go, the next one last. */
  readonly #ahead: string[] = [];
  #slash = false;
  #links = 0;

  constructor(start: Directory) {
    this.#start = start;
  }

  walk(path: string, follow: Follow): Place {
    this.#push(path);
    for (;;) {
      const name = this.#ahead.pop();
      if (name === undefined) return this.#place(undefined);
      if (name === ".") continue;
      if (name === "..") {
        this.#up();
        continue;
      }
      checkLength(name);
      if (this.#ahead.length > 0) {
        this.#down(name);
        continue;
      }
      const follows = follow === "always" || (follow === "slash" && this.#slash);
      if (!follows || this.#here.statAt(name)?.type !== FILETYPE.symbolicLink) {
        return this.#place(name);
      }
      this.#follow(name);
    }
  }

  close(): void {
    for (const directory of this.#opened) directory.close();
    this.#opened.length = 0;
  }

  get #here(): Directory {
    return this.#opened.at(-1) ?? this.#start;
  }

  #place(name: string | undefined): Place {
    return { directory: this.#here, name, slash: this.#slash, close: () => this.close() };
  }

  #push(path: string): void {
    if (path.startsWith("/")) throw PERM;
    if (this.#ahead.length === 0) this.#slash ||= path.endsWith("/");
    const names = path.split("/");
    for (let index = names.length - 1; index >= 0; index -= 1) {
      if (names[index] !== "") this.#ahead.push(names[index]!);
    }
  }

  #up(): void {
    const left = this.#opened.pop();
    if (left === undefined) throw PERM;
    left.close();
  }

  #down(name: string): void {
    const next = openUnlessLink(this.#here, name);
    if (next === undefined) this.#follow(name);
    else this.#opened.push(next);
  }

  #follow(name: string): void {
    this.#links += 1;
    if (this.#links > MOST_LINKS) throw LOOP;
    const target = this.#here.readLink(name);
    // Nobody can make an empty one here; a file system of the machine might hold one.
    if (target === "") throw NOENT;
    this.#push(target);
  }
}

function openUnlessLink(directory: Directory, name: string): Directory | undefined {
  try {
    return directory.openDirectory(name);
  } catch (error) {
    if (error instanceof WasiError && error.errno === LOOP.errno) return undefined;
    throw error;
  }
}

function checkLength(name: string): void {
  if (name.length > SURELY_SHORT && Buffer.byteLength(name) > MOST_NAME_BYTES) throw NAMETOOLONG;
}
