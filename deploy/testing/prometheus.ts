// A real Prometheus on loopback, with the configuration of this repository.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietPorts } from "@nexus-functions/server/testing/ports";
import { until } from "@nexus-functions/server/testing/until";
import { parse, stringify } from "yaml";
import { inRepository } from "./manifest.ts";
import { command } from "./store.ts";
import { needPackages } from "./tools.ts";

export const RULES = inRepository("deploy/monitoring/prometheus/rules.yaml");
const FOLDER = inRepository("deploy/monitoring/prometheus");

export interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: "firing" | "pending" | "inactive";
  readonly labels: Readonly<Record<string, string>>;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export interface Prometheus extends AsyncDisposable {
  /** How many series a query answers with. Rejects one that Prometheus refuses. */
  count(query: string): Promise<number>;
  /** The values of a label in the series of a metric. */
  values(label: string, metric: string): Promise<readonly string[]>;
  rules(): Promise<readonly Rule[]>;
  targets(): Promise<readonly { readonly health: string; readonly lastError: string }[]>;
}

/** Resolves when Debian's Prometheus is there, promtool with it. */
export function needPrometheus(): Promise<void> {
  return needPackages("prometheus");
}

/** Resolves with what promtool prints; rejects where it finds something, with that. */
export function promtool(...args: readonly string[]): Promise<string> {
  return command("promtool", ...args);
}

interface Configuration {
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly authorization?: { readonly credentials_file: string };
  }[];
}

/**
 * A copy of the configuration for one server, with its address, the file of its token and times of a
 * second; promtool has checked it. Only the job of nexus stays: nobody else of that network is here.
 */
async function writeConfiguration(folder: string, url: string, token: string): Promise<string> {
  await cp(FOLDER, folder, { recursive: true });
  const file = join(folder, "prometheus.yaml");
  const config = parse(await readFile(file, "utf8")) as Configuration;
  const scrape = config.scrape_configs
    .filter(({ job_name }) => job_name === "nexus-functions")
    .map((job) => ({
      ...job,
      authorization: { ...job.authorization, credentials_file: join(folder, "token") },
      static_configs: [{ targets: [new URL(url).host] }],
    }));
  await writeFile(join(folder, "token"), token);
  await writeFile(
    file,
    stringify({
      ...config,
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      scrape_configs: scrape,
    }),
  );
  await promtool("check", "config", file);
  return file;
}

/** Starts one that scrapes the server at `url`; resolves when it answers. It and its data go when it is disposed. */
export async function startPrometheus(url: string, token: string): Promise<Prometheus> {
  await needPrometheus();
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "nexus-prometheus-"));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const file = await writeConfiguration(folder, url, token);
  const [port] = await quietPorts(1);
  const base = `http://127.0.0.1:${port}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  const ended = once(child, "exit");
  opened.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });

  async function api<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(query).toString()}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") {
      throw new Error(`Cannot ask Prometheus ${JSON.stringify(query)}: ${answer.error}`);
    }
    return answer.data;
  }

  await until(async () => {
    if (child.exitCode !== null) throw new Error(`Cannot start Prometheus: ${words}`);
    return fetch(`${base}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });

  const resources = opened.move();
  return {
    async count(query) {
      return (await api<{ result: readonly unknown[] }>("query", { query })).result.length;
    },
    values: (label, metric) => api(`label/${label}/values`, { "match[]": metric }),
    async rules() {
      const { groups } = await api<{ groups: readonly { rules: readonly Rule[] }[] }>("rules");
      return groups.flatMap(({ rules }) => rules);
    },
    async targets() {
      return (await api<{ activeTargets: { health: string; lastError: string }[] }>("targets"))
        .activeTargets;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
