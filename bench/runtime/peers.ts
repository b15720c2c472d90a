// The servers that calls are compared with, each in a process of its own.
import { mkdtempSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, nodeServer, startServer, type Server } from "../processes.ts";
import { installed, peer } from "./peer-packages.ts";

export interface Peer {
  readonly name: string;
  readonly package: string;
  start(): Promise<Server>;
}

export const PEERS: readonly Peer[] = [
  { name: "workerd", package: "workerd", start: workerd },
  {
    name: "Extism",
    package: "@extism/extism",
    start: () => nodeServer(join(ROOT, "bench/runtime/peers/extism.ts")),
  },
];

export function isThere(it: Peer): boolean {
  return installed(it.package);
}

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .answer)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const answer :Workerd.Worker = (
  modules = [
    (name = "worker", esModule = embed "worker.js"),
    (name = "noop.wasm", wasm = embed "noop.wasm"),
  ],
  compatibilityDate = "2026-11-01",
);
`;

function workerd(): Promise<Server> {
  const { default: command } = peer("workerd") as { readonly default: string };
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  writeFileSync(join(dir, "config.capnp"), CONFIG);
  copyFileSync(join(ROOT, "bench/runtime/peers/workerd.js"), join(dir, "worker.js"));
  copyFileSync(join(ROOT, "packages/server/fixtures/noop.wasm"), join(dir, "noop.wasm"));
  return startServer({
    command,
    args: ["serve", "--control-fd=1", join(dir, "config.capnp")],
    urlIn: (line) => {
      const port = /"event":"listen".*"port":(\d+)/.exec(line)?.[1];
      return port === undefined ? undefined : `http://127.0.0.1:${port}`;
    },
    cleanUp: () => rmSync(dir, { recursive: true, force: true }),
  });
}
