// From spawn to ready, against the same Node doing nothing; and memory once it is idle.
import { spawnSync } from "node:child_process";
import { median, type Figure } from "./figures.ts";
import { nexusServer, residentBytes } from "./processes.ts";

const PROJECT = `version: v1
functions:
  - name: hello
    on: { event: bench.hello }
    code: "{root}/packages/server/fixtures/noop.wasm"
`;

export async function start(rounds: number): Promise<readonly Figure[]> {
  const ready: number[] = [];
  const nothing: number[] = [];
  const idle: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    nothing.push(performance.now() - begun);
    await using server = await nexusServer({ config: PROJECT });
    ready.push(server.startMs);
    idle.push(residentBytes(server.pid) / 2 ** 20);
  }
  return [
    {
      name: "start to ready",
      value: median(ready),
      unit: "ms",
      limit: median(nothing),
      limitName: "node -e 0, ms",
    },
    { name: "idle memory", value: median(idle), unit: "MiB resident" },
  ];
}
