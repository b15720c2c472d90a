import { title, type Labels, type Manifest } from "./manifest.ts";
import { policyProblems, type NetworkPolicy } from "./network-policy.ts";
import {
  hasPort,
  needed,
  podLabels,
  selects,
  workloadProblems,
  workloads,
  type Workload,
} from "./workload.ts";

interface Service extends Manifest {
  readonly spec: {
    readonly clusterIP?: string;
    readonly selector: Labels;
    readonly ports: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
}

interface Selector {
  readonly matchLabels?: Labels;
}

interface Ingress extends Manifest {
  readonly spec: {
    readonly rules: readonly {
      readonly http: {
        readonly paths: readonly {
          readonly backend: {
            readonly service: {
              readonly name: string;
              readonly port: { readonly name?: string; readonly number?: number };
            };
          };
        }[];
      };
    }[];
  };
}

/**
 * What does not hold between the objects, which are in the order of their application. `outside` are the
 * objects that the reader of the guide makes beforehand, by their titles.
 */
export function referenceProblems(
  manifests: readonly Manifest[],
  outside: readonly string[] = [],
): string[] {
  const problems = [...orderProblems(manifests), ...workloads(manifests).flatMap(workloadProblems)];
  const expect = (holds: boolean, one: Manifest, problem: string) => {
    if (!holds) problems.push(`${title(one)}: ${problem}`);
  };
  const find = (kind: string, beside: Manifest, name: string) =>
    manifests.find(
      (one) =>
        one.kind === kind &&
        one.metadata.namespace === beside.metadata.namespace &&
        one.metadata.name === name,
    );
  const selected = (beside: Manifest, selector: Labels): Workload[] =>
    workloads(manifests).filter(
      (one) =>
        one.metadata.namespace === beside.metadata.namespace && selects(selector, podLabels(one)),
    );

  for (const one of workloads(manifests)) {
    const account = one.spec.template.spec.serviceAccountName;
    expect(
      account !== undefined && find("ServiceAccount", one, account) !== undefined,
      one,
      `there is no ServiceAccount "${account}"`,
    );
    for (const { kind, name, keys } of needed(one)) {
      if (outside.includes(`${kind} ${one.metadata.namespace}/${name}`)) continue;
      const target = find(kind, one, name);
      expect(target !== undefined, one, `there is no ${kind} "${name}"`);
      const has = { ...target?.data, ...target?.stringData };
      for (const key of target === undefined ? [] : keys) {
        expect(key in has, one, `${kind} "${name}" has no key "${key}"`);
      }
    }
    const others = selected(one, one.spec.selector.matchLabels ?? {});
    expect(others.length === 1, one, "its selector takes the pods of others");
    if (one.kind === "StatefulSet") {
      const service = find("Service", one, one.spec.serviceName ?? "") as Service | undefined;
      expect(service?.spec.clusterIP === "None", one, "its serviceName is no headless Service");
    }
  }

  for (const one of manifests) {
    switch (one.kind) {
      case "Service": {
        const { selector, ports } = (one as Service).spec;
        const pods = selected(one, selector);
        expect(pods.length === 1, one, `it selects ${pods.length} workloads`);
        for (const { port, targetPort = port } of ports) {
          expect(
            pods.every((pod) => hasPort(pod, targetPort)),
            one,
            `its pods have no port "${targetPort}"`,
          );
        }
        break;
      }
      case "HorizontalPodAutoscaler": {
        const { scaleTargetRef: target } = one.spec as {
          readonly scaleTargetRef: { apiVersion: string; kind: string; name: string };
        };
        const found = find(target.kind, one, target.name);
        expect(found?.apiVersion === target.apiVersion, one, "what it scales is not there");
        break;
      }
      case "PodDisruptionBudget": {
        const { selector, minAvailable = 0 } = one.spec as {
          readonly selector: Selector;
          readonly minAvailable?: number;
        };
        const pods = selected(one, selector.matchLabels ?? {});
        expect(pods.length === 1, one, `it selects ${pods.length} workloads`);
        expect(
          pods.every(({ spec }) => (spec.replicas ?? 1) > minAvailable),
          one,
          "no machine could ever be drained",
        );
        break;
      }
      case "NetworkPolicy": {
        problems.push(...policyProblems(one as NetworkPolicy, selected));
        break;
      }
      case "Ingress": {
        const paths = (one as Ingress).spec.rules.flatMap(({ http }) => http.paths);
        for (const { service } of paths.map(({ backend }) => backend)) {
          const target = find("Service", one, service.name) as Service | undefined;
          const there = target?.spec.ports.some(
            ({ name, port }) => name === service.port.name || port === service.port.number,
          );
          expect(there === true, one, `Service "${service.name}" with that port is not there`);
        }
        break;
      }
    }
  }
  return problems;
}

function orderProblems(manifests: readonly Manifest[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const one of manifests) {
    const { namespace } = one.metadata;
    if (seen.has(title(one))) problems.push(`${title(one)}: it is there twice`);
    seen.add(title(one));
    if (one.kind === "Namespace") continue;
    if (namespace === undefined) problems.push(`${title(one)}: it names no namespace`);
    else if (!seen.has(`Namespace -/${namespace}`)) {
      problems.push(`${title(one)}: it comes before its namespace`);
    }
  }
  return problems;
}
