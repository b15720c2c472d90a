import type { Grants } from "../../core/grants.ts";
import { PAGE_BYTES } from "../journal.ts";
import { ADDED_EXPORTS, type ModulePlan } from "../protocol.ts";
import { LIMITS_FLAG } from "./externs.ts";
import { checkGrant, checkImport } from "./imports.ts";
import { invalidModule } from "./reader.ts";
import type { ModuleShape } from "./sections.ts";
import { MOST_TABLE_ELEMENTS } from "./tables.ts";
import { describeType, sameType, signatureText, type Signature } from "./types.ts";

/** What a module may be and have. */
export interface ModuleLimits {
  readonly memoryBytes: number;
  /** Elements of all its tables together. */
  readonly tableElements?: number;
  readonly moduleBytes?: number;
  /** Recursive calls under way at a time. */
  readonly stackCalls?: number;
}

/** How the module is run; MODULE_INVALID where it cannot be, with words that say why. */
export function planModule(
  shape: ModuleShape,
  limits: ModuleLimits,
  grants: Grants = {},
): Pick<ModulePlan, "entry" | "initialize" | "memory"> {
  checkCosts(shape, limits);
  for (const entry of shape.imports) {
    checkImport(shape, entry);
    checkGrant(entry, grants);
  }
  for (const name of shape.exports.keys()) {
    if (ADDED_EXPORTS.has(name)) throw invalidModule(`the export name "${name}" is reserved`);
  }
  const memory = planMemory(shape, limits.memoryBytes);
  return { entry: entryOf(shape), initialize: checkInitialize(shape), memory };
}

/**
 * Refuses what costs V8's own memory, which is not the guest's to use and cannot be given a limit that
 * holds: a heap that runs over takes the whole process along.
 */
function checkCosts(shape: ModuleShape, limits: ModuleLimits): void {
  const { tableElements = MOST_TABLE_ELEMENTS } = limits;
  if (shape.types.includes(null)) {
    throw invalidModule(
      "it uses garbage-collected types (structs and arrays), which are not supported",
    );
  }
  if (shape.tables.some(({ flags }) => (flags & LIMITS_FLAG.wide) !== 0)) {
    throw invalidModule("it has a table with 64-bit indices");
  }
  const elements = shape.tables.reduce((sum, { initial }) => sum + initial, 0);
  if (elements > tableElements) {
    throw invalidModule(`its tables have ${elements} elements; ${tableElements} is the most`);
  }
}

/** WebAssembly's own ceiling for a 32-bit memory, and V8's for a 64-bit one. */
export function mostPages(wide: boolean): number {
  return wide ? 262_144 : 65_536;
}

function planMemory(shape: ModuleShape, limitBytes: number): ModulePlan["memory"] {
  const [memory, second] = shape.memories;
  if (memory === undefined) return null;
  if (second !== undefined) throw invalidModule("it has more than one memory");
  if ((memory.flags & LIMITS_FLAG.shared) !== 0) {
    throw invalidModule("its memory is shared: threads are not supported (build without them)");
  }
  if ((memory.flags & LIMITS_FLAG.pageSize) !== 0) {
    throw invalidModule("its memory has a page size of its own");
  }
  const wide = (memory.flags & LIMITS_FLAG.wide) !== 0;
  const limitPages = Math.min(Math.floor(limitBytes / PAGE_BYTES), mostPages(wide));
  if (memory.initial > limitPages) {
    throw invalidModule(
      `it starts with ${memory.initial * PAGE_BYTES} bytes of memory, over the function's limit of ${limitBytes} (raise \`memory\`)`,
    );
  }
  return {
    initialPages: memory.initial,
    maximumPages: Math.min(memory.maximum ?? limitPages, limitPages),
    wide,
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
  if (wanted.some((signature) => sameType(actual, signature))) return;
  throw invalidModule(
    `its export \`${name}\` is ${describeType(actual)}; it must be ${wanted.map(signatureText).join(" or ")}`,
  );
}
