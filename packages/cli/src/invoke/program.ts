import { statSync } from "node:fs";
import { basename } from "node:path";
import type { FunctionLimits } from "@nexus-functions/server/core/function";
import type { GrantedDirectory } from "@nexus-functions/server/runtime/host/files/host-files";
import type { Outcome } from "@nexus-functions/server/runtime/runtime";
import { CliError, fileError } from "../cli.ts";
import { readModule } from "./module.ts";

export interface ProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directories: readonly GrantedDirectory[];
  /** None unless it is given. */
  readonly timeoutMs?: number;
  /** As large as wasm allows unless it is given. */
  readonly memoryBytes?: number;
}

export type ProgramEnd =
  | {
      readonly kind: "ended";
      readonly outcome: Outcome;
      /** Whether a thread goes on that keeps the process from its usual end. */
      readonly leftThread: boolean;
      /** Whether a terminal's cursor stands behind what it wrote, and not on a line of its own. */
      readonly lineIsOpen: boolean;
    }
  /** Nobody reads its output any more. */
  | { readonly kind: "broken_pipe" }
  /** It has neither stdin nor stdout: a function that is handed its event in memory. */
  | { readonly kind: "bare" };

const WASM_BYTES = 65_536 * 65_536;

/** Its output goes where this process's goes; the limits of what is kept do not matter. */
const LIMITS = {
  outputBytes: 0,
  logBytes: 0,
  logLines: 0,
  emits: 100,
  hostCalls: Infinity,
  cpuMs: 0,
  tableElements: 10_000_000,
  moduleBytes: Infinity,
} as const;

/**
 * Runs a module as a program of this process: its stdin, stdout and stderr are the process's, it sees
 * these directories, this environment and nothing else.
 */
export async function runProgram(program: ProgramOptions): Promise<ProgramEnd> {
  for (const { path } of program.directories) checkDirectory(path);
  const [{ threadRuntime }, { openHostFiles }, { answerKv }, { memoryState }] = await Promise.all([
    import("@nexus-functions/server/runtime/host/thread-runtime"),
    import("@nexus-functions/server/runtime/host/files/host-files"),
    import("@nexus-functions/server/effects/kv"),
    import("@nexus-functions/server/log/drivers/memory-state"),
  ]);
  // Values by key are gone with the program; it has no way to others.
  const kv = { state: memoryState(), function: "program", now: Date.now };
  // Both threads start while the module is read and compiled.
  const threads = threadRuntime({ workers: 1, maxWorkers: 1, givesWay: false });
  const files = openHostFiles(program.directories);
  const stop = new AbortController();
  try {
    const version = program.path;
    const { module, sourceMap } = await readModule(program.path);
    const { entry } = await threads.load({
      version,
      bytes: module,
      limits: limitsOf(program),
      grants: { kv: true },
      ...(sourceMap === undefined ? {} : { sourceMap }),
      passThrough: files.passThrough,
      warmUp: false,
    });
    if (entry === "bare") return { kind: "bare" };
    let broken = false;
    void files.brokenPipe.then(() => {
      broken = true;
      stop.abort();
    });
    const { env, args } = program;
    const outcome = await threads.invoke(
      {
        version,
        function: basename(program.path),
        stdin: new Uint8Array(0),
        env,
        args,
        hostCalls: { answer: (call) => answerKv(call, kv) },
      },
      stop.signal,
    );
    if (broken) return { kind: "broken_pipe" };
    const leftThread = !(await files.close());
    return { kind: "ended", outcome, leftThread, lineIsOpen: files.lineIsOpen() };
  } finally {
    await Promise.all([threads.close(), files.close()]);
  }
}

function limitsOf({
  timeoutMs = Infinity,
  memoryBytes = WASM_BYTES,
}: ProgramOptions): FunctionLimits {
  return { ...LIMITS, timeoutMs, memoryBytes };
}

function checkDirectory(path: string): void {
  try {
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    const { message } = fileError("grant directory", path, error);
    throw new CliError(message, { cause: error, exitCode: 2 });
  }
  throw new CliError(`Cannot grant directory "${path}": it is a file`, { exitCode: 2 });
}
