// Load from a process of its own: wrk where it is installed, else autocannon.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Load {
  readonly url: string;
  readonly body: string;
  readonly contentType: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx, and broken connections. A figure with errors in it is no figure. */
  readonly errors: number;
}

export const GENERATOR = spawnSync("wrk", ["-v"]).error === undefined ? "wrk" : "autocannon";

export async function load(options: Load): Promise<LoadResult> {
  const result = GENERATOR === "wrk" ? await wrk(options) : await autocannon(options);
  if (result.errors > 0) {
    throw new Error(`Cannot measure ${options.url}: ${result.errors} requests failed`);
  }
  return result;
}

async function wrk({ url, body, contentType, connections, seconds }: Load): Promise<LoadResult> {
  const script = join(mkdtempSync(join(tmpdir(), "nexus-bench-")), "post.lua");
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.body = ${JSON.stringify(body)}
wrk.headers["content-type"] = ${JSON.stringify(contentType)}
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%.3f,"p99":%.3f,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  );
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url];
  const text = await output("wrk", args);
  const line = /RESULT (\{.*\})/.exec(text)?.[1];
  if (line === undefined) throw new Error(`Cannot read what wrk printed: ${text}`);
  const r = JSON.parse(line) as Record<"requests" | "us" | "p50" | "p99" | "errors", number>;
  return {
    perSecond: (r.requests / r.us) * 1e6,
    p50Ms: r.p50,
    p99Ms: r.p99,
    errors: r.errors,
  };
}

async function autocannon(options: Load): Promise<LoadResult> {
  const { url, body, contentType, connections, seconds } = options;
  const text = await output("autocannon", [
    "--json",
    `--connections=${connections}`,
    `--duration=${seconds}`,
    "--method=POST",
    `--headers=content-type=${contentType}`,
    `--body=${body}`,
    url,
  ]);
  const r = JSON.parse(text) as {
    requests: { average: number };
    latency: { p50: number; p99: number };
    errors: number;
    non2xx: number;
  };
  return {
    perSecond: r.requests.average,
    p50Ms: r.latency.p50,
    p99Ms: r.latency.p99,
    errors: r.errors + r.non2xx,
  };
}

function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let problems = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (problems += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}: ${problems}`)),
    );
  });
}
