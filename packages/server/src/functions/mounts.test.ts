import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, truncate } from "node:fs/promises";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { SourceFiles } from "./files.ts";
import { readMount } from "./mounts.ts";
import { grantedFiles, loadProject, type Project } from "./project.ts";
import { EMPTY_MODULE, folderWith, type Folder } from "./testing/folder.ts";
import { watchProject } from "./watch.ts";

function yaml(lines: string): string {
  return `version: v1\nfunctions:\n  - name: a\n    on: { event: a }\n    code: a.wasm\n    ${lines}\n`;
}

const ONE = "mounts: [{ host: ./data, guest: /data }]";

async function project(
  files: Readonly<Record<string, string>>,
  lines = ONE,
): Promise<Folder & { load(): Promise<Project> }> {
  const folder = await folderWith({ "a.wasm": EMPTY_MODULE, "nexus.yaml": yaml(lines), ...files });
  return { ...folder, load: () => loadProject({ configFile: folder.at("nexus.yaml") }) };
}

async function problems(folder: Folder & { load(): Promise<Project> }): Promise<readonly string[]> {
  try {
    await folder.load();
    return [];
  } catch (error) {
    assert.ok(error instanceof NexusError, String(error));
    assert.equal(error.code, "CONFIG_INVALID");
    const [, ...lines] = error.message.replaceAll(`${folder.path}/`, "").split("\n  ");
    return lines.map((line) => line.replace(/^nexus\.yaml:\d+:\d+: functions\[0\]\./, ""));
  }
}

/** What each path in a mount is. */
function content(loaded: Project): Record<string, string> {
  const [fn] = loaded.functions;
  const { files } = grantedFiles(loaded, fn!).mounts[0]!;
  const bytes = Buffer.from(new Uint8Array(files.bytes));
  const found: Record<string, string> = {};
  const walk = (index: number, path: string): void => {
    const node = files.nodes[index]!;
    if (node.kind === "link") found[path] = `-> ${node.target}`;
    else if (node.kind === "file") {
      found[path] = bytes.toString("utf8", node.at, node.at + node.length);
    } else for (const { name, node: inner } of node.entries) walk(inner, `${path}/${name}`);
  };
  walk(0, "");
  return found;
}

test("loadProject() takes a mount as it is: files, folders, and links that stay inside", async () => {
  await using folder = await project({ "data/a": "one", "data/in/b": "two", "data/.hidden": "" });
  await symlink("in/../a", folder.at("data/link"));
  await symlink("../missing", folder.at("data/in/dangling"));
  const loaded = await folder.load();
  assert.deepEqual(content(loaded), {
    "/.hidden": "",
    "/a": "one",
    "/in/b": "two",
    "/in/dangling": "-> ../missing",
    "/link": "-> in/../a",
  });
  const [fn] = loaded.functions;
  const { sha256, ...mount } = fn!.mounts![0]!;
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(mount, { guest: "/data", host: "./data", files: 6, bytes: 6 });
});

test("loadProject() names a version by what is mounted, and not by where it came from", async () => {
  await using folder = await project({ "data/a": "one", "data/b": "two" });
  const version = async () => (await folder.load()).functions[0]!.version;
  const first = await version();
  assert.equal(await version(), first);
  await rename(folder.at("data"), folder.at("moved"));
  await folder.write("nexus.yaml", yaml("mounts: [{ host: moved, guest: /data }]"));
  assert.equal(await version(), first);
  await folder.write("moved/a", "ONE");
  const changed = await version();
  assert.notEqual(changed, first);
  await rename(folder.at("moved/a"), folder.at("moved/c"));
  assert.notEqual(await version(), changed);
});

test("loadProject() refuses a link that leads out of a mount, and names it", async () => {
  await using folder = await project({ "data/in/a": "" });
  const link = async (target: string) => {
    await symlink(target, folder.at("data/in/link"));
    const found = await problems(folder);
    await rm(folder.at("data/in/link"));
    return found;
  };
  const out = 'cannot be mounted: the link "in/link" in it leads out of it, to';
  assert.deepEqual(await link("../../x"), [`mounts[0].host: "./data" ${out} "../../x"`]);
  assert.deepEqual(await link("/etc/passwd"), [`mounts[0].host: "./data" ${out} "/etc/passwd"`]);
  assert.deepEqual(await link("../.."), [`mounts[0].host: "./data" ${out} "../.."`]);
  assert.deepEqual(await link("../in"), []);
});

test("loadProject() refuses what cannot be mounted", async () => {
  await using folder = await project({});
  assert.deepEqual(await problems(folder), ['mounts[0].host: "./data" does not exist']);
  await folder.write("data", "");
  assert.deepEqual(await problems(folder), ['mounts[0].host: "./data" is not a directory']);
  await rm(folder.at("data"));
  await mkdir(folder.at("data"));
  execFileSync("mkfifo", [folder.at("data/pipe")]);
  assert.deepEqual(await problems(folder), [
    'mounts[0].host: "./data" cannot be mounted: "pipe" in it is no file, directory or link',
  ]);
  await rm(folder.at("data/pipe"));
  await folder.write("data/large", "");
  await truncate(folder.at("data/large"), 65 * 1024 * 1024);
  assert.deepEqual(await problems(folder), [
    'mounts[0].host: "./data" holds too much: a function\'s mounts have at most 64 MiB',
  ]);
});

test("readMount() bounds the files and bytes of all mounts of a function together", async () => {
  await using folder = await folderWith({ "one/a": "12345", "one/in/b": "", "two/c": "12345" });
  const read = async (files: number, bytes: number) => {
    const budget = { files, bytes };
    const mounts = [];
    for (const name of ["one", "two"]) {
      mounts.push(await readMount(folder.at(name), new SourceFiles(), budget));
    }
    return mounts.map((mount) => (typeof mount === "string" ? mount : "taken"));
  };
  const most = "holds too much: a function's mounts have at most";
  assert.deepEqual(await read(4, 10), ["taken", "taken"]);
  assert.deepEqual(await read(3, 10), ["taken", `${most} 10000 files`]);
  assert.deepEqual(await read(4, 9), ["taken", `${most} 64 MiB`]);
});

test("loadProject() refuses places of mounts that are no good, or in each other's way", async () => {
  const places = async (guests: readonly string[], more = "") => {
    const mounts = guests.map((guest) => `{ host: data, guest: ${guest} }`).join(", ");
    await using folder = await project({ "data/a": "" }, `mounts: [${mounts}]${more}`);
    return (await problems(folder)).map((line) => line.replace(/^mounts/, ""));
  };
  assert.deepEqual(await places(["/a", "/b/c", "/ab"]), []);
  assert.deepEqual(await places(["/"]), []);
  assert.deepEqual(await places(["data"]), [
    '[0].guest: "data" is not an absolute path (try "/data")',
  ]);
  const plain = 'is not a plain path: no "//", ".", ".." and no slash at its end';
  for (const path of ["/a/", "/a//b", "/a/../b", "/."]) {
    assert.deepEqual(await places([path]), [`[0].guest: "${path}" ${plain}`]);
  }
  assert.deepEqual(await places(["/a", "/a"]), ['[1].guest: "/a" is taken by the mount "/a"']);
  assert.deepEqual(await places(["/a/b", "/a"]), [
    '[1].guest: "/a" cannot be mounted: one of it and the mount "/a/b" lies in the other',
  ]);
  const scratch = "\n    scratch: 1Mi";
  assert.deepEqual(await places(["/tmp"], scratch), [
    '[0].guest: "/tmp" is taken by the scratch directory',
  ]);
  assert.deepEqual(await places(["/tmp"]), []);
});

test("loadProject() gives a scratch directory where one is asked for, from the defaults too", async () => {
  const bytes = async (lines: string, defaults = "") => {
    await using folder = await project({}, lines);
    await folder.write("nexus.yaml", `${yaml(lines)}${defaults}`);
    const loaded = await folder.load();
    return grantedFiles(loaded, loaded.functions[0]!);
  };
  const none = { mounts: [], scratchBytes: 0 };
  assert.deepEqual(await bytes("timeout: 1s"), none);
  assert.deepEqual(await bytes("scratch: 16Mi"), { mounts: [], scratchBytes: 16 * 1024 * 1024 });
  const defaults = "defaults: { scratch: 1Mi }\n";
  assert.deepEqual(await bytes("timeout: 1s", defaults), { mounts: [], scratchBytes: 1024 * 1024 });
  assert.deepEqual(await bytes("scratch: 0", defaults), none);
});

test("watchProject() sees a change deep in a mount", { timeout: 30_000 }, async () => {
  await using folder = await project({ "data/in/deep/a.txt": "one" });
  let loaded = await folder.load();
  const stop = new AbortController();
  const changes = watchProject(() => loaded.files, stop.signal)[Symbol.asyncIterator]();
  try {
    for (const change of [
      () => folder.write("data/in/deep/a.txt", "two"),
      () => folder.write("data/in/new.txt", "new"),
      () => rm(folder.at("data/in/deep"), { recursive: true }),
    ]) {
      const next = changes.next();
      await change();
      assert.equal((await next).done, false);
      const before = loaded.functions[0]!.version;
      loaded = await folder.load();
      assert.notEqual(loaded.functions[0]!.version, before);
    }
  } finally {
    stop.abort();
    await changes.return?.();
  }
});
