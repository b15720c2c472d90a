import { title, type Labels, type Manifest } from "./manifest.ts";

// Of the API's types, what the checks read. Whoever comes here has passed the definitions.

export interface Workload extends Manifest {
  readonly kind: "Deployment" | "StatefulSet";
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly selector: { readonly matchLabels?: Labels };
    readonly template: {
      readonly metadata?: { readonly labels?: Labels };
      readonly spec: PodSpec;
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly seccompProfile?: { readonly type: string };
  };
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[] };
  };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: KeyRef;
    readonly configMapKeyRef?: KeyRef;
  };
}

interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

interface Probe {
  readonly httpGet?: { readonly port: number | string };
}

interface Source {
  readonly optional?: boolean;
  readonly items?: readonly { readonly key: string }[];
}

interface Volume {
  readonly name: string;
  readonly configMap?: Source & { readonly name: string };
  readonly secret?: Source & { readonly secretName: string };
  readonly projected?: {
    readonly sources: readonly {
      readonly configMap?: Source & { readonly name: string };
      readonly secret?: Source & { readonly name: string };
    }[];
  };
}

/** A key, or all of an object, that a pod needs before it can start. */
export interface Needed {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly keys: readonly string[];
}

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests.filter(
    (one): one is Workload => one.kind === "Deployment" || one.kind === "StatefulSet",
  );
}

export function podLabels({ spec }: Workload): Labels {
  return spec.template.metadata?.labels ?? {};
}

/** Whether the labels have all that the selector asks for. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** Whether one of the containers listens there, by name or number. */
export function hasPort(workload: Workload, port: number | string): boolean {
  return workload.spec.template.spec.containers.some((one) => listens(one, port));
}

function listens({ ports = [] }: Container, port: number | string): boolean {
  return ports.some((one) => one.name === port || one.containerPort === port);
}

export function needed({ spec }: Workload): Needed[] {
  const { containers, volumes = [] } = spec.template.spec;
  const found: Needed[] = [];
  const add = (kind: Needed["kind"], name: string, source: Source) => {
    if (source.optional === true) return;
    found.push({ kind, name, keys: (source.items ?? []).map(({ key }) => key) });
  };
  for (const { valueFrom } of containers.flatMap(({ env = [] }) => env)) {
    const { secretKeyRef: secret, configMapKeyRef: config } = valueFrom ?? {};
    if (secret !== undefined) add("Secret", secret.name, { ...secret, items: [secret] });
    if (config !== undefined) add("ConfigMap", config.name, { ...config, items: [config] });
  }
  for (const { configMap, secret, projected } of volumes) {
    if (configMap !== undefined) add("ConfigMap", configMap.name, configMap);
    if (secret !== undefined) add("Secret", secret.secretName, secret);
    for (const source of projected?.sources ?? []) {
      if (source.configMap !== undefined) add("ConfigMap", source.configMap.name, source.configMap);
      if (source.secret !== undefined) add("Secret", source.secret.name, source.secret);
    }
  }
  return found;
}

/** What is wrong with a workload by itself: its selector, volumes, ports, rights and its time to stop. */
export function workloadProblems(workload: Workload): string[] {
  const { spec } = workload;
  const pod = spec.template.spec;
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string) => {
    if (!holds) problems.push(`${title(workload)}: ${problem}`);
  };
  const { matchLabels = {} } = spec.selector;
  expect(
    Object.keys(matchLabels).length > 0 && selects(matchLabels, podLabels(workload)),
    "its selector does not match its pods",
  );
  const volumes = [...(pod.volumes ?? []), ...volumeClaims(workload)].map(({ name }) => name);
  const mounts = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  for (const { name } of mounts) expect(volumes.includes(name), `there is no volume "${name}"`);
  for (const name of volumes) {
    expect(
      mounts.some((mount) => mount.name === name),
      `volume "${name}" is mounted nowhere`,
    );
  }
  expect(pod.automountServiceAccountToken === false, "its pods get a token of the API");
  expect(pod.securityContext?.runAsNonRoot === true, "its pods may run as root");
  expect(
    pod.securityContext?.seccompProfile?.type === "RuntimeDefault",
    "its pods have no seccomp profile",
  );
  for (const container of pod.containers) {
    problems.push(...containerProblems(container).map((one) => `${title(workload)}: ${one}`));
    const needsSeconds = secondsToStop(container);
    expect(
      (pod.terminationGracePeriodSeconds ?? 30) > needsSeconds,
      `it is killed before it has drained, which takes ${needsSeconds} s`,
    );
  }
  return problems;
}

function volumeClaims({ spec }: Workload): { readonly name: string }[] {
  return (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata);
}

function secondsToStop({ env = [], lifecycle }: Container): number {
  const drainMs = Number(env.find(({ name }) => name === "NEXUS_DRAIN_MS")?.value ?? 0);
  return (lifecycle?.preStop?.sleep?.seconds ?? 0) + drainMs / 1000;
}

function containerProblems(container: Container): string[] {
  const { name, env = [], startupProbe, livenessProbe, readinessProbe } = container;
  const problems: string[] = [];
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
    const port = probe?.httpGet?.port;
    if (port === undefined) problems.push(`container "${name}" lacks a probe`);
    else if (!listens(container, port)) problems.push(`a probe asks at port "${port}", not there`);
  }
  const names = env.map((one) => one.name);
  for (const twice of names.filter((one, index) => names.indexOf(one) !== index)) {
    problems.push(`container "${name}" has "${twice}" twice in its environment`);
  }
  const rights = container.securityContext;
  if (
    rights?.allowPrivilegeEscalation !== false ||
    rights.readOnlyRootFilesystem !== true ||
    rights.capabilities?.drop?.includes("ALL") !== true
  ) {
    problems.push(`container "${name}" has more rights than it needs`);
  }
  return problems;
}
