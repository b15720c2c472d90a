import { title, type Labels, type Manifest } from "./manifest.ts";
import { hasPort, type Workload } from "./workload.ts";

interface Selector {
  readonly matchLabels?: Labels;
}

interface PolicyPeer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
}

interface PolicyPort {
  readonly port?: number | string;
}

export interface NetworkPolicy extends Manifest {
  readonly spec: {
    readonly podSelector: Selector;
    readonly ingress?: readonly {
      readonly from?: readonly PolicyPeer[];
      readonly ports?: readonly PolicyPort[];
    }[];
    readonly egress?: readonly {
      readonly to?: readonly PolicyPeer[];
      readonly ports?: readonly PolicyPort[];
    }[];
  };
}

/**
 * What a policy names that is not there; `selected` finds the workloads beside an object whose pods a selector takes.
 */
export function policyProblems(
  policy: NetworkPolicy,
  selected: (beside: Manifest, selector: Labels) => Workload[],
): string[] {
  const { podSelector, ingress = [], egress = [] } = policy.spec;
  const problems: string[] = [];
  const own = selected(policy, podSelector.matchLabels ?? {});
  if (own.length === 0) problems.push(`${title(policy)}: it selects no pods`);
  const check = (peers: readonly PolicyPeer[], ports: readonly PolicyPort[], incoming: boolean) => {
    // Pods of other namespaces are not ours to know.
    const near = peers.filter((peer) => peer.namespaceSelector === undefined);
    const pods = near.map((peer) => selected(policy, peer.podSelector?.matchLabels ?? {}));
    if (pods.some((found) => found.length === 0)) {
      problems.push(`${title(policy)}: it names pods that are not there`);
    }
    for (const { port } of ports) {
      const listening = incoming ? own : pods.flat();
      if (port !== undefined && !listening.every((pod) => hasPort(pod, port))) {
        problems.push(`${title(policy)}: nobody listens at its port "${port}"`);
      }
    }
  };
  for (const { from = [], ports = [] } of ingress) check(from, ports, true);
  for (const { to = [], ports = [] } of egress) check(to, ports, false);
  return problems;
}
