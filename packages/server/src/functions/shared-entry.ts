import { z } from "zod";
import type { FunctionSettings } from "../core/function.ts";
import type { Marked, ProjectFiles, SharedState } from "./shared.ts";
import { functionVersion, type ModuleFacts } from "./version.ts";

/** Of what is written. A release that cannot read another's leaves it alone. */
const FORMAT = 1;

/** How a function stands, as it is kept. */
export function encodeEntry(entry: Marked): Uint8Array {
  const { marks, node } = entry;
  const head = { format: FORMAT, kind: entry.kind, node, marks };
  return new TextEncoder().encode(
    JSON.stringify(entry.kind === "removed" ? head : { ...head, ...bodyOf(entry) }),
  );
}

function bodyOf({ version: deployed, sourceMapSha256 }: Extract<Marked, { kind: "deployed" }>) {
  const { version, moduleSha256, moduleBytes, code, mounts, deployedAt, ...settings } = deployed;
  const module: ModuleFacts = {
    sha256: moduleSha256,
    bytes: moduleBytes,
    code,
    ...(mounts === undefined ? {} : { mounts }),
  };
  return { version, deployedAt, settings, module, sourceMapSha256 };
}

/** What was kept for the function `name`; `unreadable` where it is nothing that this release knows. */
export function decodeEntry(name: string, bytes: Uint8Array): SharedState {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return unreadable("it is not JSON");
  }
  const { format } = (value ?? {}) as { readonly format?: unknown };
  if (typeof format === "number" && format !== FORMAT) {
    return unreadable(`its format is ${format}, and this release knows ${FORMAT}`);
  }
  const { data, error } = entrySchema.safeParse(value);
  if (data === undefined) {
    const { path, message } = error.issues[0]!;
    return unreadable(`"${path.join(".")}": ${message}`);
  }
  const { marks, node } = data;
  if (data.kind === "removed") return { kind: "removed", marks, node };
  // Whatever a later release may add to the settings is part of the name, and so it is kept.
  const settings = data.settings as unknown as FunctionSettings;
  const version = functionVersion(settings, data.module as ModuleFacts, data.deployedAt);
  if (version.version !== data.version || version.name !== name) {
    return unreadable("its content is not what its name says");
  }
  const { sourceMapSha256 } = data;
  return {
    kind: "deployed",
    version,
    marks,
    node,
    ...(sourceMapSha256 === undefined ? {} : { sourceMapSha256 }),
  };
}

/** What a project's files had, as it is kept. */
export function encodeProject({ functions, marks }: ProjectFiles): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, functions, marks }));
}

/** Undefined where it is nothing that this release knows. */
export function decodeProject(bytes: Uint8Array): ProjectFiles | undefined {
  try {
    return projectSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): SharedState {
  return { kind: "unreadable", reason };
}

const whole = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const trigger = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("event"), pattern: z.string() }),
  z.looseObject({
    kind: z.literal("http"),
    method: z.string(),
    path: z.string().startsWith("/"),
    respond: z.boolean(),
    auth: z.literal("required").optional(),
  }),
  z.looseObject({ kind: z.literal("cron"), schedule: z.string(), timezone: z.string() }),
  z.looseObject({ kind: z.literal("nats"), subject: z.string() }),
]);

const settings = z.looseObject({
  name: z.string(),
  triggers: z.array(trigger),
  limits: z.looseObject({
    timeoutMs: whole,
    memoryBytes: whole,
    outputBytes: whole,
    logBytes: whole,
    logLines: whole,
    emits: whole,
    hostCalls: whole,
    cpuMs: whole,
    tableElements: whole,
    moduleBytes: whole,
    stackCalls: whole.optional(),
  }),
  env: z.record(z.string(), z.string()),
  concurrency: whole.min(1),
  orderBy: z.string().optional(),
  retry: z.looseObject({
    attempts: whole.min(1),
    backoffMs: whole,
    maxBackoffMs: whole,
    jitter: z.boolean(),
  }),
  output: z.enum(["answer", "events"]),
  start: z.enum(["latest", "earliest"]),
  scratchBytes: whole.optional(),
  record: z
    .discriminatedUnion("kind", [
      z.looseObject({ kind: z.enum(["failures", "off"]) }),
      z.looseObject({ kind: z.literal("sample"), percent: z.number() }),
    ])
    .optional(),
  redact: z.array(z.string()).optional(),
  grants: z
    .looseObject({
      kv: z.literal(true).optional(),
      fetch: z
        .looseObject({
          allow: z.array(z.string()),
          allowPrivate: z.literal(true).optional(),
          timeoutMs: whole,
          responseBytes: whole,
          requests: whole,
          redirects: whole,
        })
        .optional(),
      secrets: z.array(z.string()).optional(),
    })
    .optional(),
});

const head = { format: z.literal(FORMAT), node: z.string(), marks: z.array(z.string()) };

const entrySchema = z.discriminatedUnion("kind", [
  z.object({ ...head, kind: z.literal("removed") }),
  z.object({
    ...head,
    kind: z.literal("deployed"),
    version: sha256,
    deployedAt: z.number(),
    settings,
    module: z.object({
      sha256,
      bytes: whole,
      code: z.string(),
      mounts: z
        .array(
          z.object({ guest: z.string(), host: z.string(), sha256, files: whole, bytes: whole }),
        )
        .optional(),
    }),
    sourceMapSha256: sha256.optional(),
  }),
]);

const projectSchema = z.object({
  format: z.literal(FORMAT),
  functions: z.array(z.string()),
  marks: z.array(z.string()),
});
