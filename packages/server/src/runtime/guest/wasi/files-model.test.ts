import assert from "node:assert/strict";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { FILETYPE, type Directory } from "../../files.ts";
import { Caller } from "../../testing/caller.ts";
import { memoryTree } from "../files/tree.ts";
import { OFLAG } from "./flags.ts";
import { RIGHT } from "./rights.ts";

const START = 3;
const READ_WRITE = BigInt(RIGHT.fdRead | RIGHT.fdWrite);

interface Step {
  readonly act: keyof typeof ACTS;
  readonly one: string;
  readonly other: string;
}

/** What a guest does, and what a program of the machine's own does for it. */
const ACTS = {
  mkdir: [
    (guest: Caller, { one }: Step) => guest.call("path_create_directory", START, one),
    (at: (path: string) => string, { one }: Step) => fs.mkdirSync(at(one)),
  ],
  rmdir: [
    (guest: Caller, { one }: Step) => guest.call("path_remove_directory", START, one),
    (at: (path: string) => string, { one }: Step) => fs.rmdirSync(at(one)),
  ],
  unlink: [
    (guest: Caller, { one }: Step) => guest.call("path_unlink_file", START, one),
    (at: (path: string) => string, { one }: Step) => fs.unlinkSync(at(one)),
  ],
  rename: [
    (guest: Caller, { one, other }: Step) => guest.call("path_rename", START, one, START, other),
    (at: (path: string) => string, { one, other }: Step) => fs.renameSync(at(one), at(other)),
  ],
  link: [
    (guest: Caller, { one, other }: Step) => guest.call("path_link", START, 0, one, START, other),
    (at: (path: string) => string, { one, other }: Step) => fs.linkSync(at(one), at(other)),
  ],
  symlink: [
    (guest: Caller, { one, other }: Step) => guest.call("path_symlink", other, START, one),
    (at: (path: string) => string, { one, other }: Step) => fs.symlinkSync(other, at(one)),
  ],
  readlink: [
    (guest: Caller, { one }: Step) => guest.call("path_readlink", START, one, 8192, 100, 0),
    (at: (path: string) => string, { one }: Step) => fs.readlinkSync(at(one)),
  ],
  append: [
    (guest: Caller, { one }: Step) => {
      const opening = { open: OFLAG.create, rights: READ_WRITE, flags: 1 };
      const fd = guest.open(START, one, opening);
      if (typeof fd !== "number") return fd;
      guest.write(fd, one);
      return guest.call("fd_close", fd);
    },
    (at: (path: string) => string, { one }: Step) => fs.appendFileSync(at(one), one),
  ],
  truncate: [
    (guest: Caller, { one }: Step) => {
      const fd = guest.open(START, one, { open: OFLAG.truncate, rights: READ_WRITE });
      return typeof fd === "number" ? guest.call("fd_close", fd) : fd;
    },
    (at: (path: string) => string, { one }: Step) =>
      fs.closeSync(fs.openSync(at(one), fs.constants.O_TRUNC | fs.constants.O_RDWR)),
  ],
  create: [
    (guest: Caller, { one }: Step) => {
      const open = OFLAG.create | OFLAG.exclusive;
      const fd = guest.open(START, one, { open, rights: READ_WRITE });
      return typeof fd === "number" ? guest.call("fd_close", fd) : fd;
    },
    (at: (path: string) => string, { one }: Step) => fs.closeSync(fs.openSync(at(one), "wx")),
  ],
  stat: [
    (guest: Caller, { one }: Step) => {
      const stat = guest.stat(START, one, 1);
      return typeof stat === "object" ? "success" : stat;
    },
    (at: (path: string) => string, { one }: Step) => void fs.statSync(at(one)),
  ],
} as const;

function attempt(work: () => unknown): string {
  try {
    work();
    return "success";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!.slice(1).toLowerCase();
  }
}

/** Every name there is, with what it is and holds. */
function machineTree(folder: string, inside = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of fs.readdirSync(join(folder, inside)).sort()) {
    const path = inside === "" ? name : `${inside}/${name}`;
    const facts = fs.lstatSync(join(folder, path));
    if (facts.isSymbolicLink()) found[path] = `-> ${fs.readlinkSync(join(folder, path))}`;
    else if (facts.isFile()) found[path] = fs.readFileSync(join(folder, path), "utf8");
    else Object.assign(found, { [path]: "directory" }, machineTree(folder, path));
  }
  return found;
}

function memoryTreeOf(directory: Directory, inside = ""): Record<string, string> {
  const found: Record<string, string> = {};
  const names = directory.entries().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, type } of names) {
    const path = inside === "" ? name : `${inside}/${name}`;
    if (type === FILETYPE.symbolicLink) found[path] = `-> ${directory.readLink(name)}`;
    else if (type === FILETYPE.regularFile) found[path] = contentOf(directory, name);
    else {
      const inner = directory.openDirectory(name);
      Object.assign(found, { [path]: "directory" }, memoryTreeOf(inner, path));
      inner.close();
    }
  }
  return found;
}

function contentOf(directory: Directory, name: string): string {
  const mode = { read: true, write: false, create: false, exclusive: false, truncate: false };
  const file = directory.openFile(name, mode);
  const bytes = new Uint8Array(Number(file.stat().size));
  file.read(0n, bytes);
  file.close();
  return new TextDecoder().decode(bytes);
}

const name = fc.constantFrom("a", "b", "c");
const acts = Object.keys(ACTS) as (keyof typeof ACTS)[];

function steps(path: fc.Arbitrary<string>): fc.Arbitrary<Step[]> {
  const step = fc.record({ act: fc.constantFrom(...acts), one: path, other: path });
  return fc.array(step, { minLength: 1, maxLength: 30 });
}

// No `..`: whether it leads out is the sandbox's business, which the machine does not know.
const plain = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));

test(
  "a scratch directory answers any sequence of operations as Linux does, code by code",
  { skip: process.platform === "linux" ? false : "it is compared with Linux itself" },
  () => {
    const base = fs.mkdtempSync(join(tmpdir(), "nexus-files-"));
    try {
      let round = 0;
      fc.assert(
        fc.property(steps(plain), (sequence) => {
          round += 1;
          const folder = join(base, String(round));
          fs.mkdirSync(folder);
          const at = (path: string): string => `${folder}/${path}`;
          const root = memoryTree({ limitBytes: 1024 * 1024, device: 1n, now: () => 1n });
          const guest = new Caller({ preopens: [{ name: "/tmp", directory: root }] });
          for (const step of sequence) {
            const [inside, outside] = ACTS[step.act];
            const told = inside(guest, step);
            assert.equal(
              told,
              attempt(() => outside(at, step)),
              JSON.stringify(step),
            );
          }
          assert.deepEqual(memoryTreeOf(root), machineTree(folder));
        }),
        { numRuns: 300 },
      );
    } finally {
      fs.rmSync(base, { recursive: true });
    }
  },
);

const anything = fc
  .array(fc.constantFrom("a", "b", "..", ".", "", "secret", "jail"), { minLength: 1, maxLength: 6 })
  .map((names) => names.join("/"));

test("no sequence of operations on paths reaches out of a granted directory", () => {
  fc.assert(
    fc.property(steps(anything), (sequence) => {
      const world = memoryTree({ limitBytes: 1024 * 1024, device: 1n, now: () => 1n });
      const mode = { read: true, write: true, create: true, exclusive: true, truncate: false };
      const secret = world.openFile("secret", mode);
      secret.write(0n, new TextEncoder().encode("not yours"));
      world.createDirectory("jail");
      world.createDirectory("a");
      const before = memoryTreeOf(world);
      const forbidden = new Set([
        world.stat().inode,
        secret.stat().inode,
        world.statAt("a")!.inode,
      ]);
      const jail = world.openDirectory("jail");
      const guest = new Caller({ preopens: [{ name: "/", directory: jail }] });
      for (const step of sequence) {
        ACTS[step.act][0](guest, step);
        for (const path of [step.one, step.other]) {
          const seen = guest.stat(START, path, 1);
          assert.ok(typeof seen === "string" || !forbidden.has(seen.inode), JSON.stringify(step));
          const fd = guest.open(START, path, { rights: READ_WRITE });
          if (typeof fd !== "number") continue;
          assert.notEqual(guest.read(fd), "not yours");
          guest.call("fd_close", fd);
        }
      }
      const after = memoryTreeOf(world);
      const outside = Object.entries(after).filter(([path]) => !path.startsWith("jail/"));
      assert.deepEqual(Object.fromEntries(outside), before);
    }),
    { numRuns: 500 },
  );
});
