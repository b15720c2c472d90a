// What ten host calls cost a run, what recording them adds, and how fast such a run is made again: one runtime, one
// embedded log, in turns.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerKv } from "@nexus-functions/server/effects/kv";
import { embeddedLog } from "@nexus-functions/server/log/drivers/embedded";
import type { HostCalls } from "@nexus-functions/server/runtime/host-calls";
import { threadRuntime } from "@nexus-functions/server/runtime/host/thread-runtime";
import type { InvokeRequest, Runtime } from "@nexus-functions/server/runtime/runtime";
import { median, type Figure } from "./figures.ts";
import { inFlight, percentile } from "./runtime/loop.ts";
import { LIMITS } from "./runtime/modules.ts";

export interface HostCallOptions {
  readonly rounds: number;
  /** Runs in a round, of each kind. */
  readonly count: number;
}

const MODULE = join(import.meta.dirname, "../packages/server/fixtures/effects.wasm");
const GRANTS = {
  kv: true,
  secrets: ["NONE"],
  fetch: { allow: [], timeoutMs: 1, responseBytes: 1, requests: 1, redirects: 0 },
} as const;
const VALUE = "v".repeat(60);
/** Five values kept, each with an fsync, and five read; or ten read. */
const KINDS = {
  "five sets and five gets": Array.from({ length: 10 }, (_, at) =>
    at % 2 === 0 ? `set key-${at} ${VALUE}` : `get key-${at - 1}`,
  ),
  "ten gets": Array.from({ length: 10 }, (_, at) => `get key-${at - (at % 2)}`),
};
const WIDE = 64;

export async function hostCalls(options: HostCallOptions): Promise<readonly Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  const runtime = threadRuntime({ workers: 2 });
  try {
    await using log = await embeddedLog({ dir });
    const bytes = new Uint8Array(readFileSync(MODULE));
    for (const version of ["live", "replayed"]) {
      await runtime.load({ version, bytes, limits: LIMITS, grants: GRANTS });
    }
    const calls: HostCalls = {
      answer: (call) => answerKv(call, { state: log.state, function: "bench", now: Date.now }),
    };
    const figures: Figure[] = [];
    for (const [name, lines] of Object.entries(KINDS)) {
      const stdin = new TextEncoder().encode(`!${lines.join("\n")}`);
      figures.push(...(await ofKind(name, { runtime, calls, stdin, ...options })));
    }
    return figures;
  } finally {
    await runtime.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Kind extends HostCallOptions {
  readonly runtime: Runtime;
  readonly calls: HostCalls;
  readonly stdin: Uint8Array;
}

async function ofKind(
  name: string,
  { runtime, calls, stdin, rounds, count }: Kind,
): Promise<readonly Figure[]> {
  const live = { version: "live", function: "bench", stdin, env: {}, hostCalls: calls };
  const recorded = { ...live, tape: "record" } as const;
  const { tape } = await runtime.invoke(recorded);
  const replayed = { ...live, version: "replayed", tape };
  const p50 = new Map<InvokeRequest, number[]>(
    [live, recorded, replayed].map((kind) => [kind, []]),
  );
  const wide: number[] = [];
  // One round more, of which nothing is kept: the first is slower.
  for (let round = 0; round <= rounds; round += 1) {
    const times = new Map<InvokeRequest, number[]>([...p50.keys()].map((kind) => [kind, []]));
    for (let run = 0; run < count; run += 1) {
      // Who follows whom changes: a commit of the log is felt by the next one.
      const order = run % 2 === 0 ? [...times] : [...times].toReversed();
      for (const [request, kept] of order) kept.push(await timed(runtime, request));
    }
    const begun = performance.now();
    await inFlight(WIDE, count * 4, async () => void (await timed(runtime, replayed)));
    if (round === 0) continue;
    wide.push((count * 4 * 1000) / (performance.now() - begun));
    for (const [request, kept] of times) p50.get(request)!.push(percentile(kept, 0.5));
  }
  const liveUs = median(p50.get(live)!) * 1000;
  return [
    {
      name: `${name}: recorded, p50`,
      value: median(p50.get(recorded)!) * 1000,
      unit: "µs",
      limit: liveUs,
      limitName: "not recorded",
      aim: { atMost: 1.05 },
      note: `tape of ${tape.length} bytes`,
    },
    {
      name: `${name}: replayed, p50`,
      value: median(p50.get(replayed)!) * 1000,
      unit: "µs",
      limit: liveUs,
      limitName: "live",
    },
    { name: `${name}: replayed, ${WIDE} at a time`, value: median(wide), unit: "runs/s" },
  ];
}

async function timed(runtime: Runtime, request: InvokeRequest): Promise<number> {
  const begun = performance.now();
  const { error } = await runtime.invoke(request);
  if (error !== null) throw new Error(error.message);
  return performance.now() - begun;
}
