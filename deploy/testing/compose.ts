// Docker Compose, with or without an engine behind it.
import { join } from "node:path";
import { unpackedPackage } from "./debian.ts";
import { inRepository } from "./manifest.ts";
import { command } from "./store.ts";

/** Of what `docker compose config` says, what the checks read. */
export interface ComposeProject {
  readonly services: Readonly<Record<string, Service>>;
}

export interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly container_name?: string;
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[];
  readonly volumes?: readonly Mount[];
}

interface Mount {
  readonly type: string;
  readonly source: string;
  readonly read_only?: boolean;
}

type CommandLine = readonly [program: string, ...args: string[]];

/**
 * Resolves with the command of Compose 2: this machine's, or that of a newer Debian. Rejects where there is neither,
 * saying what it takes.
 */
export async function composeProgram(): Promise<CommandLine> {
  const known: readonly CommandLine[] = [["docker", "compose"], ["docker-compose"]];
  for (const line of known) {
    const version = await command(...line, "version", "--short").catch(() => "");
    if (/^v?[2-9]\./.test(version)) return line;
  }
  const folder = await unpackedPackage("trixie", "docker-compose");
  return [join(folder, "usr/libexec/docker/cli-plugins/docker-compose")];
}

/** What Compose makes of this file of the repository, services of all profiles included. Rejects what it refuses. */
export async function composeConfig(file: string): Promise<ComposeProject> {
  const text = await command(
    ...(await composeProgram()),
    "--project-directory",
    inRepository(""),
    "--profile=*",
    "--file",
    file,
    "config",
    "--format=json",
  );
  return JSON.parse(text) as ComposeProject;
}

/** What is wrong with a project beyond what Compose itself refuses, a sentence for each service and each fault. */
export function composeProblems({ services }: ComposeProject): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    serviceProblems(service, services).map((problem) => `${name}: ${problem}`),
  );
}

function serviceProblems(service: Service, services: ComposeProject["services"]): string[] {
  const { image = "", ports = [], volumes = [], depends_on: dependsOn = {} } = service;
  const problems: string[] = [];
  // A tag that says nothing changes under one's feet; this project's own image is built here.
  if (!/^nexus-functions:|:[\w.-]*\d/.test(image)) problems.push(`image "${image}" has no version`);
  for (const { host_ip: address, published } of ports) {
    if (address !== "127.0.0.1") problems.push(`port ${published} is open to every network`);
  }
  for (const { type, source, read_only: readOnly } of volumes) {
    if (type === "bind" && readOnly !== true) problems.push(`it may write to ${source}`);
  }
  for (const [other, { condition }] of Object.entries(dependsOn)) {
    if (condition === "service_healthy" && services[other]?.healthcheck?.test === undefined) {
      problems.push(`it waits for the health of ${other}, which has no check`);
    }
  }
  if (service.privileged === true || service.network_mode === "host") {
    problems.push("it has rights on the machine");
  }
  // Two projects of this file could not live side by side.
  if (service.container_name !== undefined) problems.push("it has a name of its own");
  return problems;
}

/** What is wrong with a service that is to run for long and unseen. */
export function productionProblems({ services }: ComposeProject): string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const problems: string[] = [];
    const expect = (holds: boolean, problem: string) => {
      if (!holds) problems.push(`${name}: ${problem}`);
    };
    expect(service.restart === "unless-stopped", "it does not start again");
    expect(service.mem_limit !== undefined, "its memory has no limit");
    expect(service.cap_drop?.includes("ALL") === true, "it has capabilities");
    expect(
      service.security_opt?.includes("no-new-privileges:true") === true,
      "it may gain privileges",
    );
    return problems;
  });
}
