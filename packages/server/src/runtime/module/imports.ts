import type { Grants } from "../../core/grants.ts";
import { MEMORY_IMPORT } from "../protocol.ts";
import { LIMITS_FLAG, type Import } from "./externs.ts";
import { invalidModule } from "./reader.ts";
import type { ModuleShape } from "./sections.ts";
import { describeType, sameType, signatureText, type Signature } from "./types.ts";
import { IMPORTS, NEXUS } from "./wasi-signatures.ts";

/** Throws MODULE_INVALID where the runtime does not give what is imported. */
export function checkImport(shape: ModuleShape, entry: Import): void {
  const { module, name, kind, type } = entry;
  if (isForThreads(entry)) {
    throw invalidModule(
      `it imports "${module}"."${name}"${kind === "memory" ? ", a shared memory" : ""}: threads are not supported (build without them)`,
    );
  }
  if (kind === "memory") {
    throw invalidModule(
      `it imports its memory (${module}.${name}); it must define it (build without --import-memory)`,
    );
  }
  const functions = IMPORTS.get(module);
  if (functions === undefined) throw invalidModule(unknownModule(module, name));
  const wanted = functions.get(name);
  if (wanted === undefined) {
    const known = module === NEXUS ? knownNames(functions) : "WASI preview 1 has no such function";
    throw invalidModule(`it imports "${module}"."${name}", which is not there (${known})`);
  }
  if (kind !== "function") {
    throw invalidModule(`it imports "${module}"."${name}" as a ${kind}; it is a function`);
  }
  const actual = shape.types[type!];
  if (!sameType(actual, wanted)) {
    throw invalidModule(
      `it imports "${module}"."${name}" as ${describeType(actual)}; it is ${signatureText(wanted)}`,
    );
  }
}

/** Throws MODULE_INVALID where nexus.yaml does not let the function do what is imported. */
export function checkGrant({ module, name }: Import, grants: Grants): void {
  const needed = module === NEXUS ? NEEDED_GRANTS.get(name) : undefined;
  if (needed === undefined || grants[needed.grant] !== undefined) return;
  throw invalidModule(
    `it imports "${module}"."${name}", which its settings do not grant (add \`${needed.remedy}\`)`,
  );
}

interface NeededGrant {
  readonly grant: keyof Grants;
  readonly remedy: string;
}

const KV: NeededGrant = { grant: "kv", remedy: "kv: true" };

const NEEDED_GRANTS: ReadonlyMap<string, NeededGrant> = new Map([
  ["kv_get", KV],
  ["kv_set", KV],
  ["kv_delete", KV],
  ["kv_list", KV],
  ["fetch", { grant: "fetch", remedy: "fetch: { allow: [api.example.com] }" }],
  ["secret_get", { grant: "secrets", remedy: "secrets: [NAME]" }],
]);

function isForThreads({ module, name, limits }: Import): boolean {
  if (limits !== undefined) return (limits.flags & LIMITS_FLAG.shared) !== 0;
  return name === "thread-spawn" && /^wasi\b/.test(module);
}

function knownNames(functions: ReadonlyMap<string, Signature>): string {
  return `there ${functions.size === 1 ? "is" : "are"}: ${[...functions.keys()].join(", ")}`;
}

/** What somebody who imports from an unknown module most likely built, and how to build it instead. */
function unknownModule(module: string, name: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(module))?.[1];
  return `it imports "${module}"."${name}"; only ${[...IMPORTS.keys()].map((known) => `"${known}"`).join(" and ")} can be imported from${hint === undefined ? "" : ` (${hint})`}`;
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^wasi_unstable$/, "that is WASI before preview 1: use a newer compiler"],
  [/^wasi:|^cm32p2/, "that is WASI preview 2: build for wasm32-wasip1"],
  [/^(go|gojs)$/, "that is Go for browsers: build with GOOS=wasip1 GOARCH=wasm"],
  [/^(wbg|__wbindgen)/, "that is wasm-bindgen, for browsers: build for wasm32-wasip1 without it"],
  [
    /^(env|a)$/,
    "a function was declared that no library defines; AssemblyScript: use @assemblyscript/wasi-shim; C++: do not use Emscripten's browser target",
  ],
];

/** Import modules by name, sorted, without the one that the runtime adds. */
export function importModules(shape: ModuleShape): string[] {
  return [...new Set(shape.imports.map(({ module }) => module))]
    .filter((module) => module !== MEMORY_IMPORT.module)
    .sort();
}
