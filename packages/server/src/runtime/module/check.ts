import type { FunctionLimits } from "../../core/function.ts";
import { PAGE_BYTES } from "../journal.ts";
import { GROWN_EXPORT, MEMORY_IMPORT, REFUSED_EXPORT, type ModulePlan } from "../protocol.ts";
import { invalidModule } from "./reader.ts";
import { LIMITS_FLAG, type Import, type ModuleShape } from "./sections.ts";
import { signatureText, type Signature } from "./types.ts";
import { IMPORTS } from "./wasi-signatures.ts";

/** WebAssembly's own ceiling for a 32-bit memory. */
const MOST_PAGES = 65_536;

/** How the module is run; MODULE_INVALID where it cannot be, with words that say why. */
export function planModule(
  shape: ModuleShape,
  limits: FunctionLimits,
): Omit<ModulePlan, "watchesGrowth"> {
  checkCosts(shape);
  for (const entry of shape.imports) checkImport(shape, entry);
  for (const name of shape.exports.keys()) {
    if (name === REFUSED_EXPORT || name === GROWN_EXPORT) {
      throw invalidModule(`the export name "${name}" is reserved`);
    }
  }
  const memory = planMemory(shape, limits.memoryBytes);
  return { entry: entryOf(shape), initialize: checkInitialize(shape), memory, limits };
}

/** Elements of all of a module's tables together. */
export const MOST_TABLE_ELEMENTS = 1_000_000;
const MOST_ENTRIES = 10_000;

/**
 * Refuses what costs V8's own memory, which is not the guest's to use and cannot be given a limit that
 * holds: a heap that runs over takes the whole process along.
 */
function checkCosts(shape: ModuleShape): void {
  if (shape.types.includes(null)) {
    throw invalidModule(
      "it uses garbage-collected types (structs and arrays), which are not supported",
    );
  }
  const elements = shape.tables.reduce((sum, { initial }) => sum + initial, 0);
  if (shape.tables.some(({ flags }) => (flags & LIMITS_FLAG.wide) !== 0)) {
    throw invalidModule("it has a table with 64-bit indices");
  }
  if (elements > MOST_TABLE_ELEMENTS) {
    throw invalidModule(`its tables have ${elements} elements; ${MOST_TABLE_ELEMENTS} is the most`);
  }
  for (const [what, count] of [
    ["imports", shape.imports.length],
    ["exports", shape.exports.size],
    ["tables", shape.tables.length],
  ] as const) {
    if (count > MOST_ENTRIES) {
      throw invalidModule(`it has ${count} ${what}; ${MOST_ENTRIES} is the most`);
    }
  }
}

function checkImport(shape: ModuleShape, { module, name, kind, type }: Import): void {
  if (kind === "memory") {
    throw invalidModule(
      `it imports its memory (${module}.${name}); it must define it (no --import-memory, no threads)`,
    );
  }
  const functions = IMPORTS.get(module);
  if (functions === undefined) throw invalidModule(unknownModule(module, name));
  const wanted = functions.get(name);
  if (wanted === undefined) {
    const known =
      functions.size > 5 ? "WASI preview 1 has no such function" : knownNames(functions);
    throw invalidModule(`it imports "${module}"."${name}", which is not there (${known})`);
  }
  if (kind !== "function") {
    throw invalidModule(`it imports "${module}"."${name}" as a ${kind}; it is a function`);
  }
  const actual = shape.types[type!];
  if (!same(actual, wanted)) {
    throw invalidModule(
      `it imports "${module}"."${name}" as ${describe(actual)}; it is ${signatureText(wanted)}`,
    );
  }
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

function planMemory(shape: ModuleShape, limitBytes: number): ModulePlan["memory"] {
  const [memory, second] = shape.memories;
  if (memory === undefined) return null;
  if (second !== undefined) throw invalidModule("it has more than one memory");
  if ((memory.flags & LIMITS_FLAG.shared) !== 0) {
    throw invalidModule("its memory is shared: threads are not supported (build without them)");
  }
  if ((memory.flags & LIMITS_FLAG.wide) !== 0) {
    throw invalidModule("its memory is a 64-bit one; WASI preview 1 is made for 32-bit memories");
  }
  if ((memory.flags & LIMITS_FLAG.pageSize) !== 0) {
    throw invalidModule("its memory has a page size of its own");
  }
  const limitPages = Math.min(Math.floor(limitBytes / PAGE_BYTES), MOST_PAGES);
  if (memory.initial > limitPages) {
    throw invalidModule(
      `it starts with ${memory.initial * PAGE_BYTES} bytes of memory, over the function's limit of ${limitBytes} (raise \`memory\`)`,
    );
  }
  return {
    initialPages: memory.initial,
    maximumPages: Math.min(memory.maximum ?? MOST_PAGES, limitPages),
  };
}

const NOTHING: Signature = { params: "", results: "" };

function entryOf(shape: ModuleShape): ModulePlan["entry"] {
  if (shape.exports.has("_start")) {
    mustBe(shape, "_start", [NOTHING]);
    return "command";
  }
  if (!shape.exports.has("handle_event")) {
    throw invalidModule(
      "it has no entry point: it must export `_start`, or `handle_event` (is it a library?)",
    );
  }
  if (!shape.exports.has("alloc")) {
    mustBe(shape, "handle_event", [NOTHING, { params: "", results: "i" }]);
    return "reactor";
  }
  if (functionType(shape, "handle_event")?.params === "") return "reactor";
  mustBe(shape, "handle_event", [{ params: "ii", results: "I" }]);
  mustBe(shape, "alloc", [{ params: "i", results: "i" }]);
  if (shape.exports.get("memory")?.kind !== "memory") {
    throw invalidModule("it exports `alloc` and `handle_event`, but no `memory`");
  }
  return "bare";
}

function checkInitialize(shape: ModuleShape): boolean {
  if (!shape.exports.has("_initialize") || shape.exports.has("_start")) return false;
  mustBe(shape, "_initialize", [NOTHING]);
  return true;
}

function functionType(shape: ModuleShape, name: string): Signature | null | undefined {
  const entry = shape.exports.get(name);
  if (entry?.kind !== "function") return undefined;
  const type = shape.functions[entry.index];
  return type === undefined ? undefined : shape.types[type];
}

function mustBe(shape: ModuleShape, name: string, wanted: readonly Signature[]): void {
  const entry = shape.exports.get(name);
  if (entry?.kind !== "function") {
    throw invalidModule(
      entry === undefined
        ? `it does not export \`${name}\``
        : `its export \`${name}\` is a ${entry.kind}; it must be a function`,
    );
  }
  const actual = functionType(shape, name);
  if (wanted.some((signature) => same(actual, signature))) return;
  throw invalidModule(
    `its export \`${name}\` is ${describe(actual)}; it must be ${wanted.map(signatureText).join(" or ")}`,
  );
}

function same(actual: Signature | null | undefined, wanted: Signature): boolean {
  return actual?.params === wanted.params && actual.results === wanted.results;
}

function describe(actual: Signature | null | undefined): string {
  return actual === null || actual === undefined ? "no known function" : signatureText(actual);
}

/** Import modules by name, sorted, without the one that the runtime adds. */
export function importModules(shape: ModuleShape): string[] {
  return [...new Set(shape.imports.map(({ module }) => module))]
    .filter((module) => module !== MEMORY_IMPORT.module)
    .sort();
}
