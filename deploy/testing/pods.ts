// Pods as Kubernetes would start them, for podman. What Kubernetes does before a pod starts and this podman (4.3) does
// not, is done here; all else is the manifest's own.
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { Manifest } from "./manifest.ts";
import type { Store } from "./store.ts";
import type { Workload } from "./workload.ts";

export interface Placement {
  /** Of the network that the pod gets; it exists. */
  readonly network: string;
  readonly address: string;
  /** Service names with the address of the pod behind each: there is no cluster's DNS. */
  readonly services: Readonly<Record<string, string>>;
}

/** Resolves when the first pod of this workload has started; with its containers' names by their name in the manifest. */
export async function startPod(
  store: Store,
  workload: Workload,
  manifests: readonly Manifest[],
  placement: Placement,
): Promise<ReadonlyMap<string, string>> {
  const { name } = workload.metadata;
  const pod = `${name}-0`;
  const { template, volumeClaimTemplates = [] } = workload.spec;
  const spec = template.spec as unknown as PodSpec;
  const claims = volumeClaimTemplates.map((claim) => claim.metadata.name);
  const made = await Promise.all(
    (spec.volumes ?? []).map((volume) => madeVolume(volume, { store, pod, spec, manifests })),
  );
  const kept = claims.map((claim) => claimedVolume(claim, pod, spec));
  const volumes = [...made, ...kept];
  const hosts = Object.entries(placement.services);
  const documents = [
    ...volumes.flatMap(({ claim }) => (claim === undefined ? [] : [claim])),
    ...manifests.filter(({ kind }) => kind === "ConfigMap"),
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...template.metadata, name: pod },
      spec: {
        ...spec,
        volumes: volumes.map(({ volume }) => volume),
        hostAliases: hosts.map(([host, ip]) => ({ ip, hostnames: [host] })),
      },
    },
  ];
  const file = join(store.scratch, `${pod}.yaml`);
  await writeFile(file, documents.map((one) => stringify(one)).join("---\n"));
  const { network, address } = placement;
  await store.podman("kube", "play", `--network=${network}`, `--ip=${address}`, file);
  return new Map(spec.containers.map((one) => [one.name, `${pod}-${one.name}`]));
}

/** Puts the manifests' Secrets where podman looks for them: by name, a JSON object of encoded values. */
export async function createSecrets(store: Store, manifests: readonly Manifest[]): Promise<void> {
  for (const { kind, metadata, data = {}, stringData = {} } of manifests) {
    if (kind !== "Secret") continue;
    // The API server encodes what is written as text.
    const encoded = Object.entries(stringData).map(([key, value]) => [key, btoa(value)]);
    const file = join(store.scratch, `${metadata.name}.json`);
    await writeFile(file, JSON.stringify({ ...data, ...Object.fromEntries(encoded) }));
    await store.podman("secret", "create", metadata.name, file);
  }
}

interface PodSpec {
  readonly securityContext: { readonly runAsUser: number; readonly fsGroup: number };
  readonly containers: readonly { readonly name: string }[];
  readonly volumes?: readonly Volume[];
}

interface Volume {
  readonly name: string;
  readonly configMap?: object;
  readonly emptyDir?: object;
  readonly projected?: {
    readonly defaultMode: number;
    readonly sources: readonly { readonly configMap?: Source; readonly secret?: Source }[];
  };
}

interface Source {
  readonly name: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

interface MadeVolume {
  readonly volume: { readonly name: string };
  readonly claim?: object;
}

interface Making {
  readonly store: Store;
  readonly pod: string;
  readonly spec: PodSpec;
  readonly manifests: readonly Manifest[];
}

async function madeVolume(volume: Volume, making: Making): Promise<MadeVolume> {
  const { pod, spec } = making;
  if (volume.projected !== undefined) return projectedVolume(volume.name, volume.projected, making);
  // podman makes an empty folder of root's.
  return volume.emptyDir === undefined ? { volume } : claimedVolume(volume.name, pod, spec);
}

/** A volume that belongs to the pod's fsGroup, which podman does not know. */
function claimedVolume(name: string, pod: string, { securityContext }: PodSpec): MadeVolume {
  const { runAsUser, fsGroup } = securityContext;
  const claimName = `${name}-${pod}`;
  return {
    volume: { name, persistentVolumeClaim: { claimName } } as { readonly name: string },
    claim: {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: claimName,
        annotations: {
          "volume.podman.io/uid": String(runAsUser),
          "volume.podman.io/gid": String(fsGroup),
        },
      },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
  };
}

/** Files as a kubelet writes them: root's, for the group, with the mode that the manifest says. */
async function projectedVolume(
  name: string,
  { defaultMode, sources }: NonNullable<Volume["projected"]>,
  { store, pod, spec, manifests }: Making,
): Promise<MadeVolume> {
  const folder = join(store.scratch, `${pod}-${name}`);
  for (const { configMap, secret } of sources) {
    const source = configMap ?? secret!;
    const kind = configMap === undefined ? "Secret" : "ConfigMap";
    for (const [path, text] of contentOf(kind, source, manifests)) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      await chown(file, 0, spec.securityContext.fsGroup);
      await chmod(file, defaultMode);
    }
  }
  const volume = { name, hostPath: { path: folder, type: "Directory" } };
  return { volume };
}

function contentOf(
  kind: string,
  { name, items }: Source,
  manifests: readonly Manifest[],
): readonly (readonly [path: string, text: string])[] {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`Cannot make volume: there is no ${kind} "${name}"`);
  const values = { ...found.data, ...found.stringData };
  if (items === undefined) return Object.entries(values);
  return items.map(({ key, path }) => [path, values[key]!]);
}
