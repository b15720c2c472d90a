import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { atLeast } from "@nexus-functions/server/core/nats-version";
import type { Folder } from "@nexus-functions/server/testing/folder";
import { natsForTests } from "@nexus-functions/server/testing/nats";
import { until } from "@nexus-functions/server/testing/until";
import { inRepository } from "../testing/manifest.ts";

export interface Region extends AsyncDisposable {
  readonly url: string;
  readonly name: "EU" | "US";
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface RegionOptions {
  readonly folder: Folder;
  readonly name: "eu" | "us";
  readonly port: number;
  /** Where eu listens for us. */
  readonly leafPort: number;
}

/** A nats-server with the guide's file, on these ports of loopback and a store in the folder. */
export async function region({ folder, name, port, leafPort }: RegionOptions): Promise<Region> {
  const { path, version } = await natsForTests();
  const text = await readFile(inRepository(`deploy/multi-region/${name}.conf`), "utf8");
  const file = join(folder.path, `${name}.conf`);
  const here = text
    .replace("port: 4222", `host: 127.0.0.1\nport: ${port}`)
    .replace("/data", join(folder.path, name))
    .replace("port: 7422", `host: 127.0.0.1\n  port: ${leafPort}`)
    .replace("nats.eu.example.com:7422", `127.0.0.1:${leafPort}`);
  await writeFile(
    file,
    atLeast(version, "2.10.0") ? here : here.replace("  sync_interval: always\n", ""),
  );
  const url = `nats://127.0.0.1:${port}`;
  let child: ChildProcess;
  const one = {
    url,
    name: name.toUpperCase() as Region["name"],
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    async start() {
      child = spawn(path, ["-c", file], { stdio: "ignore" });
      await until(() =>
        connect({ servers: url }).then(
          (connection) => connection.close().then(() => true),
          () => false,
        ),
      );
    },
    [Symbol.asyncDispose]: () => one.kill(),
  };
  await one.start();
  return one;
}
