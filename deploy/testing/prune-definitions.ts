// Keeps of Kubernetes' API definitions what the manifests use, so that a clone alone can check them:
// `node prune-definitions.ts <openapi definitions> <result>`.
import { readFileSync, writeFileSync } from "node:fs";

const ROOTS = [
  "io.k8s.api.core.v1.Namespace",
  "io.k8s.api.core.v1.ServiceAccount",
  "io.k8s.api.core.v1.Secret",
  "io.k8s.api.core.v1.ConfigMap",
  "io.k8s.api.core.v1.Service",
  "io.k8s.api.apps.v1.Deployment",
  "io.k8s.api.apps.v1.StatefulSet",
  "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  "io.k8s.api.policy.v1.PodDisruptionBudget",
  "io.k8s.api.networking.v1.NetworkPolicy",
  "io.k8s.api.networking.v1.Ingress",
];

interface OpenApi {
  readonly source?: unknown;
  readonly info?: unknown;
  readonly definitions: Readonly<Record<string, unknown>>;
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  throw new Error("Usage: prune-definitions.ts <openapi definitions> <result>");
}
const { source, info, definitions } = JSON.parse(readFileSync(from, "utf8")) as OpenApi;
const kept = new Set<string>();
for (const root of ROOTS) keep(root);
const pruned = Object.fromEntries([...kept].sort().map((name) => [name, definitions[name]]));
writeFileSync(to, `${JSON.stringify({ source, info, definitions: pruned }, null, 2)}\n`);

function keep(name: string): void {
  if (kept.has(name)) return;
  const definition = definitions[name];
  if (definition === undefined) throw new Error(`Cannot prune: there is no definition "${name}"`);
  kept.add(name);
  for (const [, next] of JSON.stringify(definition).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    keep(next!);
  }
}
