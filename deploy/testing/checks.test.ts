import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { inRepository, parseManifests, type Manifest } from "./manifest.ts";
import { referenceProblems } from "./references.ts";
import { schemaCheck } from "./schema.ts";
import { addressProblems } from "./settings.ts";

const check = schemaCheck();
const FOLDER = inRepository("k8s");

interface Mistake {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly problem: RegExp;
}

const AGAINST_DEFINITIONS: readonly Mistake[] = [
  {
    file: "deployment.yaml",
    from: "maxSurge:",
    to: "maxSurges:",
    problem: /additional.*maxSurges/,
  },
  { file: "deployment.yaml", from: "replicas: 2", to: 'replicas: "2"', problem: /must be integer/ },
  { file: "deployment.yaml", from: "storage: 10Gi", to: "storage: ten", problem: /storage must/ },
  {
    file: "service.yaml",
    from: "port: 80\n",
    to: "nodePort: 80\n",
    problem: /required property 'port'/,
  },
  { file: "hpa.yaml", from: "autoscaling/v2", to: "autoscaling/v2beta2", problem: /no kind/ },
  { file: "deployment.yaml", from: "seconds: 5\n", to: "second: 5\n", problem: /second/ },
  { file: "ingress.yaml", from: '"true"', to: "yes", problem: /must be string/ },
];

const AGAINST_REFERENCES: readonly Mistake[] = [
  {
    file: "00-namespace.yaml",
    from: "name: nexus",
    to: "name: next",
    problem: /before its namespace/,
  },
  { file: "01-access.yaml", from: "  password:", to: "  pass:", problem: /no key "password"/ },
  {
    file: "01-access.yaml",
    from: "name: nats-cred",
    to: "name: cred",
    problem: /no Secret "nats-cred/,
  },
  {
    file: "01-access.yaml",
    from: "name: nats\n",
    to: "name: gnats\n",
    problem: /no ServiceAccount "nats"/,
  },
  {
    file: "configmap.yaml",
    from: "name: nats-config",
    to: "name: nats",
    problem: /no ConfigMap "nats-config"/,
  },
  {
    file: "service.yaml",
    from: "name: nats\n  ports",
    to: "name: gnats\n  ports",
    problem: /selects 0/,
  },
  {
    file: "service.yaml",
    from: "targetPort: client",
    to: "targetPort: clients",
    problem: /no port "clients"/,
  },
  { file: "service.yaml", from: "clusterIP: None", to: "", problem: /no headless/ },
  {
    file: "service.yaml",
    from: "name: nexus-functions-service",
    to: "name: nexus",
    problem: /Service "nexus-functions-service"/,
  },
  {
    file: "ingress.yaml",
    from: "name: http",
    to: "name: https",
    problem: /with that port is not there/,
  },
  {
    file: "hpa.yaml",
    from: "kind: Deployment",
    to: "kind: StatefulSet",
    problem: /what it scales/,
  },
  { file: "pdb.yaml", from: "minAvailable: 1", to: "minAvailable: 2", problem: /ever be drained/ },
  {
    file: "pdb.yaml",
    from: "matchLabels:\n      app.kubernetes.io/name: nats",
    to: "matchLabels:\n      app.kubernetes.io/name: gnats",
    problem: /selects 0/,
  },
  { file: "networkpolicy.yaml", from: "port: http", to: "port: https", problem: /nobody listens/ },
  {
    file: "networkpolicy.yaml",
    from: "port: client",
    to: "port: clients",
    problem: /nobody listens/,
  },
  {
    file: "networkpolicy.yaml",
    from: "- podSelector:\n            matchLabels:\n              app.kubernetes.io/name: nats",
    to: "- podSelector:\n            matchLabels:\n              app.kubernetes.io/name: gnats",
    problem: /not there/,
  },
  {
    file: "deployment.yaml",
    from: "matchLabels:\n      app.kubernetes.io/name: nats",
    to: "matchLabels:\n      app.kubernetes.io/name: gnats",
    problem: /does not match its pods/,
  },
  {
    file: "deployment.yaml",
    from: "- name: tmp\n              mountPath",
    to: "- name: temp\n              mountPath",
    problem: /no volume "temp"/,
  },
  {
    file: "deployment.yaml",
    from: "port: monitor",
    to: "port: monitoring",
    problem: /port "monitoring"/,
  },
  {
    file: "deployment.yaml",
    from: "readOnlyRootFilesystem: true",
    to: "readOnlyRootFilesystem: false",
    problem: /more rights/,
  },
  {
    file: "deployment.yaml",
    from: "PeriodSeconds: 45",
    to: "PeriodSeconds: 30",
    problem: /before it has drained/,
  },
  {
    file: "deployment.yaml",
    from: "- name: NEXUS_HOST",
    to: "- name: NEXUS_PORT",
    problem: /"NEXUS_PORT" twice/,
  },
  {
    file: "deployment.yaml",
    from: "automountServiceAccountToken: false",
    to: "",
    problem: /token of the API/,
  },
  { file: "deployment.yaml", from: "livenessProbe", to: "lifeProbe", problem: /lacks a probe/ },
];

for (const { file, from, to, problem } of AGAINST_DEFINITIONS) {
  test(`schemaCheck() finds ${JSON.stringify(to)} in place of ${JSON.stringify(from)}`, async () => {
    assert.match((await broken(file, from, to)).flatMap(check).join("\n"), problem);
  });
}

for (const { file, from, to, problem } of AGAINST_REFERENCES) {
  test(`referenceProblems() finds ${JSON.stringify(to)} in place of ${JSON.stringify(from)}`, async () => {
    assert.match(referenceProblems(await broken(file, from, to)).join("\n"), problem);
  });
}

test("referenceProblems() finds an object before its namespace", async () => {
  const manifests = await broken("hpa.yaml", "", "");
  assert.match(referenceProblems(manifests.toReversed()).join("\n"), /before its namespace/);
});

test("addressProblems() finds a server without a Service, at another port, and beyond the replicas", async () => {
  const manifests = await broken("hpa.yaml", "", "");
  const wrong = [
    "nats://nats:4222",
    "nats://nats-service:4223",
    "nats://nats-1.nats-headless:4222",
  ];
  const right = ["nats://nats-service:4222", "nats://nats-0.nats-headless:4222"];
  assert.deepEqual(addressProblems(manifests, [...wrong, ...right]), wrong);
});

test("parseManifests() refuses a key that is there twice", () => {
  assert.throws(() => parseManifests("kind: A\nkind: B\n"), /unique/);
});

/** The manifests, with the first `from` of a file replaced. */
async function broken(file: string, from: string, to: string): Promise<Manifest[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".yaml")).sort();
  const texts = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(`${FOLDER}/${name}`, "utf8");
      if (name !== file) return text;
      assert.ok(text.includes(from), `${file} has no ${JSON.stringify(from)}`);
      return text.replace(from, to);
    }),
  );
  return texts.flatMap(parseManifests);
}
