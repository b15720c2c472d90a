import { title, type Labels, type Manifest } from "./manifest.ts";
import { selects } from "./workload.ts";

interface ServiceMonitor extends Manifest {
  readonly spec: {
    readonly jobLabel: string;
    readonly selector: { readonly matchLabels: Labels };
    readonly endpoints: readonly { readonly port: string }[];
  };
}

interface Service extends Manifest {
  readonly spec: { readonly ports: readonly { readonly name?: string }[] };
}

/** What does not hold between the monitors and what they are to find among `manifests`. */
export function monitorProblems(
  monitors: readonly Manifest[],
  manifests: readonly Manifest[],
  job: string,
): string[] {
  const problems: string[] = [];
  for (const one of monitors) {
    if (one.kind !== "ServiceMonitor") continue;
    const { selector, endpoints, jobLabel } = (one as ServiceMonitor).spec;
    const found = manifests.filter(
      ({ kind, metadata }) =>
        kind === "Service" &&
        metadata.namespace === one.metadata.namespace &&
        selects(selector.matchLabels, metadata.labels ?? {}),
    ) as Service[];
    if (found.length !== 1) {
      problems.push(`${title(one)}: it selects ${found.length} services`);
    }
    for (const { metadata, spec } of found) {
      for (const { port } of endpoints) {
        if (spec.ports.some(({ name }) => name === port)) continue;
        problems.push(`${title(one)}: Service "${metadata.name}" has no port "${port}"`);
      }
      if (metadata.labels?.[jobLabel] !== job) {
        problems.push(`${title(one)}: its job would not be called "${job}"`);
      }
    }
  }
  return problems;
}
