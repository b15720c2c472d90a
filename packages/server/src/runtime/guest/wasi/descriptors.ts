import { BADF, MFILE, NOTCAPABLE, NOTDIR } from "../../errno.ts";
import { FILETYPE, type Directory, type DirectoryEntry, type OpenFile } from "../../files.ts";
import { DIRECTORY_RIGHTS, fileRights, INHERITED_RIGHTS, RIGHT, STREAM_RIGHTS } from "./rights.ts";

/** As Linux's usual bound. */
const MOST_DESCRIPTORS = 1024;
/** Each may be as long as a directory is: see `keep`. */
const MOST_LISTINGS = 8;

/** What a number that the guest holds stands for. */
export type Descriptor = Stream | FileDescriptor | DirectoryDescriptor;

interface Common {
  rights: number;
  /** Handed on to what is opened through it. */
  inheriting: number;
  flags: number;
}

/** A pipe of the platform's: no position, no size. */
export interface Stream extends Common {
  readonly kind: "stdin" | "stdout" | "stderr";
}

export interface FileDescriptor extends Common {
  readonly kind: "file";
  readonly file: OpenFile;
  /** Whether it was there before the run began: its giver closes it. */
  readonly lent: boolean;
  /** Whether it has a position and a size. */
  readonly regular: boolean;
  position: bigint;
}

export interface DirectoryDescriptor extends Common {
  readonly kind: "directory";
  readonly directory: Directory;
  /** The name it was granted under; it is its giver's to close. */
  readonly preopen: string | undefined;
  /** What reading it from the start gave, as long as it is kept: what its cookies count in. */
  listing: readonly DirectoryEntry[] | undefined;
}

/** A directory that a run begins with. */
export interface Preopen {
  readonly name: string;
  readonly directory: Directory;
}

/** What a run begins with; a stream that is not given is the platform's own. */
export interface Granted {
  readonly preopens: readonly Preopen[];
  readonly streams?: { readonly [S in Stream["kind"]]?: OpenFile };
}

const ALL = { rights: DIRECTORY_RIGHTS, inheriting: INHERITED_RIGHTS };
const STREAMS = ["stdin", "stdout", "stderr"] as const;

/** The numbers that a run holds. There is one for each run. */
export class Descriptors {
  readonly #table: (Descriptor | undefined)[];
  /** No number below it is free. */
  #lowest: number;
  #opened = false;
  /** Those that have one, the oldest first. */
  readonly #listings: DirectoryDescriptor[] = [];

  constructor({ preopens, streams = {} }: Granted) {
    const table: Descriptor[] = STREAMS.map((kind) => {
      const file = streams[kind];
      return file === undefined ? stream(kind) : streamFile(kind, file);
    });
    for (const { name, directory } of preopens) {
      table.push(directoryDescriptor(directory, ALL, name));
    }
    this.#table = table;
    this.#lowest = table.length;
  }

  /** Throws BADF where the number stands for nothing. */
  get(fd: number): Descriptor {
    const found = this.#table[fd >>> 0];
    if (found === undefined) throw BADF;
    return found;
  }

  /** What paths can start at: NOTDIR for anything else, NOTCAPABLE without these rights. */
  directory(fd: number, rights: number): DirectoryDescriptor {
    const found = this.get(fd);
    if (found.kind !== "directory") throw NOTDIR;
    if ((found.rights & rights) !== rights) throw NOTCAPABLE;
    return found;
  }

  /** The lowest free number, for `put`. MFILE: there is none left. */
  free(): number {
    while (this.#table[this.#lowest] !== undefined) this.#lowest += 1;
    if (this.#lowest >= MOST_DESCRIPTORS) throw MFILE;
    return this.#lowest;
  }

  put(fd: number, descriptor: Descriptor): void {
    this.#table[fd] = descriptor;
    this.#opened = true;
  }

  close(fd: number): void {
    const closed = this.get(fd);
    this.#table[fd >>> 0] = undefined;
    this.#lowest = Math.min(this.#lowest, fd >>> 0);
    release(closed);
  }

  /** What `to` stood for is closed. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (moved === replaced) return;
    this.#table[to >>> 0] = moved;
    this.#table[from >>> 0] = undefined;
    this.#lowest = Math.min(this.#lowest, from >>> 0);
    release(replaced);
  }

  /** Keeps what reading a directory gave, for the next readings; the oldest such listing is let go. */
  keep(found: DirectoryDescriptor, listing: readonly DirectoryEntry[]): void {
    if (found.listing === undefined) this.#listings.push(found);
    found.listing = listing;
    if (this.#listings.length > MOST_LISTINGS) this.#listings.shift()!.listing = undefined;
  }

  /** Closes whatever the run has opened and left; no number stands for anything any more. */
  end(): void {
    if (this.#opened) {
      for (const left of this.#table) if (left !== undefined) release(left);
    }
    this.#table.length = 0;
  }
}

function release(descriptor: Descriptor): void {
  if (descriptor.kind === "file") {
    if (!descriptor.lent) descriptor.file.close();
  } else if (descriptor.kind === "directory" && descriptor.preopen === undefined) {
    descriptor.directory.close();
  }
}

function stream(kind: Stream["kind"]): Stream {
  return { kind, rights: STREAM_RIGHTS[kind], inheriting: 0, flags: 0 };
}

function streamFile(kind: Stream["kind"], file: OpenFile): FileDescriptor {
  const { type } = file.stat();
  const rights = fileRights(type, kind === "stdin" ? ~RIGHT.fdWrite : ~RIGHT.fdRead);
  const regular = type === FILETYPE.regularFile;
  return { kind: "file", file, lent: true, regular, position: 0n, rights, inheriting: 0, flags: 0 };
}

export function directoryDescriptor(
  directory: Directory,
  rights: Pick<Common, "rights" | "inheriting">,
  preopen?: string,
): DirectoryDescriptor {
  return { kind: "directory", directory, preopen, ...rights, flags: 0, listing: undefined };
}
