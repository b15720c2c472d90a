import { CliError } from "../cli.ts";

/** Whether it names a module's file, and not a function of the project. */
export function isModulePath(name: string): boolean {
  return /[/\\]|\.wasm$/.test(name);
}

export interface ModuleFile {
  readonly module: Uint8Array;
  /** Where the module names one that is there. */
  readonly sourceMap: Uint8Array | undefined;
}

/** The module in a file. */
export async function readModule(path: string): Promise<ModuleFile> {
  const [{ SourceFiles }, { MAX_MODULE_BYTES, moduleIn, sourceMapOf }] = await Promise.all([
    import("@nexus-functions/server/functions/files"),
    import("@nexus-functions/server/functions/wasm-file"),
  ]);
  const files = new SourceFiles();
  const module = moduleIn(await files.read(path, MAX_MODULE_BYTES));
  if (typeof module === "string") throw new CliError(`Cannot run "${path}": it ${module}`);
  return { module, sourceMap: await sourceMapOf(path, module, files) };
}
