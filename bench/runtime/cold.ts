// cold: the first invocation of a large module that is deployed and was never run, and the deploying.
// Each time with a module that nobody has seen before, so that V8 has nothing of it in store.
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import { median, type Figure } from "../figures.ts";
import { largeModule } from "./large-module.ts";
import { percentile } from "./loop.ts";
import { distinct, LIMITS, REQUEST } from "./modules.ts";

export interface ColdOptions {
  readonly times: number;
  /** Whether the module may be compiled first where it is not there yet. */
  readonly mayBuild: boolean;
}

const WARM_UP = 20;

export async function cold({ times, mayBuild }: ColdOptions): Promise<readonly Figure[]> {
  const { bytes, what } = await largeModule(mayBuild);
  const first: number[] = [];
  const record: number[] = [];
  const warm: number[] = [];
  const deploy: number[] = [];
  const compile: number[] = [];
  const runtime = threadRuntime();
  try {
    for (let time = 0; time < times; time += 1) {
      const version = `cold-${time}`;
      const request = { version, function: "cold", ...REQUEST };
      const bare = distinct(bytes, 2 * time);
      compile.push(await ms(() => WebAssembly.compile(bare)));
      const module = distinct(bytes, 2 * time + 1);
      deploy.push(await ms(() => runtime.load({ version, bytes: module, limits: LIMITS })));
      first.push(
        await ms(async () => {
          const outcome = await runtime.invoke(request);
          // An example may not like this event, and say so with its exit code.
          if (outcome.exitCode === null) throw new Error(outcome.error?.message);
          record.push(outcome.durationMs);
        }),
      );
      for (let run = 0; run < WARM_UP; run += 1) await runtime.invoke(request);
      warm.push(await ms(() => runtime.invoke(request)));
      runtime.unload(version);
    }
  } finally {
    await runtime.close();
  }
  const size = `${(bytes.length / 1e6).toFixed(1)} MB`;
  return [
    {
      name: `first invocation, ${size}`,
      value: median(first),
      unit: "ms",
      aim: { atMost: 5 },
      note: `${what}; p90 ${percentile(first, 0.9).toFixed(1)} ms, its record ${median(record).toFixed(1)} ms, warm ${median(warm).toFixed(2)} ms`,
    },
    {
      name: `deploy, ${size}`,
      value: median(deploy),
      unit: "ms",
      limit: median(compile),
      limitName: "WebAssembly.compile, ms",
    },
  ];
}

async function ms(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
