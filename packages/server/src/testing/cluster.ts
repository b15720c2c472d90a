// Nodes of a cluster for tests: real servers on a real NATS, each with a folder of its own.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readConfig, type ConfigOverrides } from "../config.ts";
import { startServer, type Reload, type RunningServer } from "../server.ts";
import { wasiModule } from "./modules.ts";

/** What is in a node's folder, by path. `nexus.yaml` is its configuration; without one it has none. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface TestNode extends AsyncDisposable {
  readonly running: RunningServer;
  /** What it logged, a line each. */
  readonly lines: readonly string[];
  /** The version it serves of this function. */
  version(name: string): string | undefined;
  /** What the function that answers `GET /<name>` says here. */
  ask(name: string): Promise<string>;
  /** Writes these files, and reloads. */
  change(files: Files): Promise<Reload>;
  /** Stops, and starts again on the same data and files, with these in front. */
  restart(files?: Files, overrides?: ConfigOverrides): Promise<TestNode>;
}

export async function testNode(
  natsUrl: string,
  files: Files = {},
  overrides: ConfigOverrides = {},
): Promise<TestNode> {
  const dir = await mkdtemp(join(tmpdir(), "nexus-node-"));
  try {
    return await startIn(dir, natsUrl, { files, overrides });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(
  dir: string,
  natsUrl: string,
  { files, overrides }: { readonly files: Files; readonly overrides: ConfigOverrides },
): Promise<TestNode> {
  await write(dir, files);
  const hasConfig = Object.hasOwn(files, "nexus.yaml");
  const settings = readConfig(
    {},
    {
      ...(hasConfig ? { configFile: join(dir, "nexus.yaml") } : {}),
      dataDir: join(dir, "data"),
      port: 0,
      workers: 1,
      logLevel: "debug",
      natsUrl,
      ...overrides,
    },
    () => false,
  );
  const lines: string[] = [];
  const running = await startServer(settings, { write: (line) => lines.push(line), colour: false });
  let keep = false;
  return {
    running,
    lines,
    version: (name) => running.functions().find((fn) => fn.name === name)?.version,
    async ask(name) {
      const answer = await fetch(`${running.url}/${name}`);
      return answer.ok ? await answer.text() : `${answer.status}`;
    },
    async change(changed) {
      await write(dir, changed);
      return await running.reload();
    },
    async restart(next = {}, more = {}) {
      keep = true;
      await running.close();
      return startIn(dir, natsUrl, {
        files: { ...files, ...next },
        overrides: { ...overrides, ...more },
      });
    },
    async [Symbol.asyncDispose]() {
      await running.close();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}

async function write(dir: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}

/** Files of functions that answer `GET /<name>`, each with what it says; `yaml` is added to each entry. */
export async function saying(says: Readonly<Record<string, string>>, yaml = ""): Promise<Files> {
  const files: Record<string, string | Uint8Array> = {};
  let entries = "";
  for (const [name, text] of Object.entries(says)) {
    files[`${name}.wasm`] = await sayModule(text);
    entries += `  - name: ${name}\n    on: { http: { method: GET, path: /${name}, respond: true } }\n    code: ${name}.wasm\n${yaml}`;
  }
  const functions = entries === "" ? " []\n" : `\n${entries}`;
  return { ...files, "nexus.yaml": `version: v1\nfunctions:${functions}` };
}

/** Writes this text, without quotes and backslashes, to stdout. */
export function sayModule(text: string): Promise<Uint8Array> {
  return wasiModule(`
  (data (i32.const 2048) "${text}")
  (func (export "_start") (call $write (i32.const 1) (i32.const 2048) (i32.const ${text.length})))`);
}
