import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { inRepository, title, type Manifest } from "./manifest.ts";

type Schema = Readonly<Record<string, unknown>>;

interface Definition extends Schema {
  readonly "x-kubernetes-group-version-kind"?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

const DEFINITIONS = [
  "deploy/testing/kubernetes-definitions.json",
  "deploy/testing/operator-definitions.json",
] as const;

// The two types that are written in more than one way; their definitions say "string" for both.
const WRITTEN_TWO_WAYS: Readonly<Record<string, Schema>> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { type: ["integer", "string"] },
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {
    anyOf: [
      { type: "number" },
      {
        type: "string",
        pattern: "^[+-]?[0-9]+(\\.[0-9]+)?([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
      },
    ],
  },
};

type Definitions = Readonly<Record<string, Definition>>;

function definitionsOf(path: string): Definitions {
  const text = readFileSync(inRepository(path), "utf8");
  return (JSON.parse(text) as { readonly definitions: Definitions }).definitions;
}

/** What is wrong with an object by the definition of its kind. */
export type Check = (manifest: Manifest) => string[];

/** Checks objects against the API definitions of Kubernetes and of prometheus-operator; a field that these do not know is a problem. */
export function schemaCheck(): Check {
  const definitions = Object.assign({}, ...DEFINITIONS.map(definitionsOf)) as Definitions;
  const ajv = new Ajv({ allErrors: true, strict: false, formats: FORMATS });
  ajv.addSchema({
    $id: "kubernetes",
    definitions: Object.fromEntries(
      Object.entries(definitions).map(([name, schema]) => [
        name,
        WRITTEN_TWO_WAYS[name] ?? closed(schema),
      ]),
    ),
  });
  const names = new Map(
    Object.entries(definitions).flatMap(([name, definition]) =>
      (definition["x-kubernetes-group-version-kind"] ?? []).map(({ group, version, kind }) => [
        `${group === "" ? version : `${group}/${version}`} ${kind}`,
        name,
      ]),
    ),
  );
  return (manifest) => {
    const name = names.get(`${manifest.apiVersion} ${manifest.kind}`);
    if (name === undefined) {
      return [`${title(manifest)}: there is no kind ${manifest.kind} in ${manifest.apiVersion}`];
    }
    const validate = ajv.getSchema(`kubernetes#/definitions/${name}`)!;
    if (validate(manifest) === true) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${title(manifest)}: ${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The schema, with every object whose fields are known taking these only. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  // A field may be called "properties" or "type" too; only a schema has a type that is a text.
  const isClosed = "properties" in schema && (schema as Schema)["type"] === "object";
  return isClosed && !("additionalProperties" in schema)
    ? { ...inner, additionalProperties: false }
    : inner;
}

const FORMATS = {
  int32: { type: "number", validate: (value: number) => (value | 0) === value },
  int64: { type: "number", validate: Number.isSafeInteger },
  double: { type: "number", validate: Number.isFinite },
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  "date-time": (value: string) => !Number.isNaN(Date.parse(value)),
} as const;
