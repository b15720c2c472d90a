// docker-compose.yml's profile observability, as far as it can be tried without its images.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { inRepository } from "../testing/manifest.ts";
import { needPrometheus } from "../testing/prometheus.ts";
import { inFolder } from "../testing/settings.ts";

const run = promisify(execFile);

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: unknown;
  readonly networks: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = await yamlOf<Compose>("docker-compose.yml");
const observability = Object.entries(compose.services).filter(
  ([, { profiles }]) => profiles !== undefined,
);

test("docker-compose.yml starts nothing but NATS and nexus unless the profile is asked for", () => {
  const always = Object.entries(compose.services).filter(([, { profiles }]) => !profiles);
  assert.deepEqual(
    always.map(([name]) => name),
    ["nats", "nexus"],
  );
  assert.deepEqual(
    observability.map(([name]) => name),
    ["nats-exporter", "prometheus", "grafana", "otel-collector"],
  );
  for (const [name, { profiles }] of observability) {
    assert.deepEqual(profiles, ["observability"], name);
  }
});

test("the profile's images have a version, its ports are this machine's, its files are there", async () => {
  for (const [name, { image, ports = [], volumes = [], networks }] of observability) {
    assert.match(image, /^docker\.io\/[a-z-]+\/[a-z-]+:v?\d+\.\d+\.\d+$/);
    assert.deepEqual(networks, ["nexus-network"]);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/, name);
    for (const volume of volumes) {
      const [from = "", , mode] = volume.split(":");
      if (!from.startsWith("./")) assert.ok(from in compose.volumes, volume);
      else {
        await stat(inRepository(from));
        assert.equal(mode, "ro", volume);
      }
    }
  }
});

test("the profile's services have health checks but for the collector, whose image has no shell", () => {
  for (const [name, { healthcheck }] of observability) {
    assert.equal(healthcheck === undefined, name === "otel-collector", name);
  }
});

test("prometheus writes its token where its configuration looks for it, for itself alone", async () => {
  await needPrometheus();
  const { command } = compose.services["prometheus"]!;
  const config = await readFile(
    inRepository("deploy/monitoring/prometheus/prometheus.yaml"),
    "utf8",
  );
  assert.match(config, /credentials_file: \/tmp\/metrics-token$/m);
  await inFolder({}, async (folder) => {
    // As Compose gives it to the shell, with the file elsewhere, and the flags for Debian's Prometheus to read.
    const line = command![0]!
      .replaceAll("$$", "$")
      .replaceAll("/tmp/", `${folder}/`)
      .replace("/bin/prometheus", "prometheus --version");
    const env = { PATH: process.env["PATH"], NEXUS_METRICS_TOKEN: "abc-123" };
    const { stdout } = await run("/bin/sh", ["-c", line], { env });
    assert.match(stdout, /^prometheus, version /);
    assert.equal(await readFile(`${folder}/metrics-token`, "utf8"), "abc-123");
    assert.equal((await stat(`${folder}/metrics-token`)).mode & 0o777, 0o600);
  });
});

test("Prometheus asks services of Compose for their figures, and loads the rules", async () => {
  const { rule_files, scrape_configs } = await yamlOf<{
    readonly rule_files: readonly string[];
    readonly scrape_configs: readonly {
      readonly static_configs: readonly { readonly targets: readonly string[] }[];
    }[];
  }>("deploy/monitoring/prometheus/prometheus.yaml");
  assert.deepEqual(rule_files, ["rules.yaml"]);
  const targets = scrape_configs.flatMap(({ static_configs }) => static_configs[0]!.targets);
  assert.deepEqual(targets, [
    "nexus:8080",
    "nats-exporter:7777",
    "otel-collector:8888",
    "localhost:9090",
  ]);
  for (const target of targets.slice(0, -1)) {
    const [host = ""] = target.split(":");
    assert.ok(host in compose.services, host);
  }
  assert.ok(compose.services["nats-exporter"]!.command!.includes("-port=7777"));
});

test("Grafana is given the data source and the folder of dashboards that are mounted", async () => {
  const { datasources } = await yamlOf<{
    readonly datasources: readonly { readonly url: string }[];
  }>("deploy/monitoring/grafana/provisioning/datasources/prometheus.yaml");
  assert.equal(datasources[0]!.url, "http://prometheus:9090");
  const { providers } = await yamlOf<{
    readonly providers: readonly { readonly options: { readonly path: string } }[];
  }>("deploy/monitoring/grafana/provisioning/dashboards/nexus.yaml");
  const { volumes, environment } = compose.services["grafana"]!;
  const mounts = new Map(
    volumes!.map((volume) => {
      const [from, to] = volume.split(":");
      return [to!, from!];
    }),
  );
  const { path } = providers[0]!.options;
  assert.equal(mounts.get(path), "./deploy/monitoring/grafana/dashboards");
  assert.equal(mounts.get("/etc/grafana/provisioning"), "./deploy/monitoring/grafana/provisioning");
  const home = environment!["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]!;
  await stat(inRepository(home.replace(path, mounts.get(path)!)));
});

test("the collector's pipelines name what is defined, and it listens where the server sends", async () => {
  type Part = "receivers" | "processors" | "exporters";
  const { service, ...parts } = await yamlOf<
    Readonly<Record<Part, Readonly<Record<string, unknown>>>> & {
      readonly service: {
        readonly pipelines: Readonly<Record<string, Readonly<Record<Part, readonly string[]>>>>;
      };
    }
  >("deploy/monitoring/otel-collector.yaml");
  const used = Object.values(service.pipelines);
  assert.deepEqual(Object.keys(service.pipelines), ["traces"]);
  for (const part of ["receivers", "processors", "exporters"] as const) {
    assert.deepEqual(
      used.flatMap((pipeline) => pipeline[part]),
      Object.keys(parts[part]),
      part,
    );
  }
  const { otlp } = parts.receivers as {
    readonly otlp: { readonly protocols: { readonly http: { endpoint: string } } };
  };
  assert.equal(otlp.protocols.http.endpoint, "0.0.0.0:4318");
  assert.match(
    compose.services["nexus"]!.environment!["OTEL_EXPORTER_OTLP_ENDPOINT"]!,
    /^\$\{OTEL_EXPORTER_OTLP_ENDPOINT:-\}$/,
  );
});

async function yamlOf<T>(path: string): Promise<T> {
  return parse(await readFile(inRepository(path), "utf8")) as T;
}
