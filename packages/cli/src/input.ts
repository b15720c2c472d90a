import { readFile } from "node:fs/promises";
import { CliError, fileError, type Cli } from "./cli.ts";

/** The bytes of a file; of the command's input where it is called `-`. */
export async function readInput(cli: Cli, file: string): Promise<Uint8Array> {
  if (file === "-") return readStdin(cli);
  try {
    return await readFile(file);
  } catch (error) {
    throw fileError("read", file, error);
  }
}

/** All of the command's input. */
export async function readStdin({ stdin, signal }: Cli): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const stop = (): void => void stdin.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return Buffer.concat(chunks);
}

/** The JSON value in a file, or in the command's input (`-`). */
export async function readJson(cli: Cli, file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readInput(cli, file));
  try {
    return JSON.parse(text);
  } catch (error) {
    const name = file === "-" ? "the input" : `"${file}"`;
    throw new CliError(`Cannot read ${name}: it is not JSON: ${(error as SyntaxError).message}`);
  }
}
