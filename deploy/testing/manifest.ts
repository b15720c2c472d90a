import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";

/** A Kubernetes object as it is written; what else it has, its kind's definition says. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export type Labels = Readonly<Record<string, string>>;

const run = promisify(execFile);

/** `path` in this repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** The documents of a text; rejects a faulty one and a key that is there twice. */
export function parseManifests(text: string): Manifest[] {
  // kubectl reads YAML 1.1, where "no" is a boolean and 0440 is octal.
  return parseAllDocuments(text, { version: "1.1" })
    .filter((document) => document.contents !== null)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as Manifest;
    });
}

/** What `kubectl apply -f <folder>` sends, in its order. */
export async function appliedManifests(folder: string): Promise<Manifest[]> {
  const names = (await readdir(folder)).filter((name) => /\.(yaml|yml|json)$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.flatMap(parseManifests);
}

/** What `kubectl apply -k <folder>` sends, in its order. Rejects where there is no kubectl, or one before 1.27. */
export async function overlayManifests(folder: string): Promise<Manifest[]> {
  const { stdout } = await run("kubectl", ["kustomize", folder], { timeout: 30_000 }).catch(
    (cause: unknown) => {
      throw new Error(`Cannot build overlay "${folder}": it takes kubectl 1.27 or newer on PATH`, {
        cause,
      });
    },
  );
  return parseManifests(stdout);
}

/** Kind, namespace and name, as problems name an object. */
export function title({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace ?? "-"}/${metadata.name}`;
}
