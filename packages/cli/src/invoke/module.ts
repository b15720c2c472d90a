import { CliError } from "../cli.ts";

/** Whether it names a module's file, and not a function of the project. */
export function isModulePath(name: string): boolean {
  return /[/\\]|\.wasm$/.test(name);
}

/** The module in a file. */
export async function readModule(path: string): Promise<Uint8Array> {
  const [{ SourceFiles }, { MAX_MODULE_BYTES, moduleIn }] = await Promise.all([
    import("@nexus-functions/server/functions/files"),
    import("@nexus-functions/server/functions/wasm-file"),
  ]);
  const module = moduleIn(await new SourceFiles().read(path, MAX_MODULE_BYTES));
  if (typeof module === "string") throw new CliError(`Cannot run "${path}": it ${module}`);
  return module;
}
