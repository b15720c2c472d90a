import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { NexusError } from "../core/errors.ts";
import type { FunctionVersion } from "../core/function.ts";
import type { SecretsConfig } from "../core/secrets.ts";

const FILE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const MOST_BYTES = 65_536;

/**
 * All secrets that the platform is given; those of the environment win. One line feed at the end of a file is
 * the editor's. CONFIG_INVALID, which names the file and not what is in it.
 */
export async function readSecrets({
  values,
  folder,
}: SecretsConfig): Promise<Readonly<Record<string, string>>> {
  const all: Record<string, string> = folder === undefined ? {} : await inFolder(folder);
  for (const [name, value] of Object.entries(values)) all[name] = checked(name, value);
  return all;
}

/** The secrets that the function is granted and the platform was not given. */
export function missingSecrets(
  { grants }: FunctionVersion,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  return (grants?.secrets ?? []).filter((name) => !Object.hasOwn(given, name));
}

async function inFolder(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  try {
    // What else lies there (Kubernetes' own links, say) has no such name.
    for (const name of (await readdir(folder)).filter((entry) => FILE_NAME.test(entry))) {
      const path = join(folder, name);
      found[name] = checked(path, await readFile(path, "utf8")).replace(/\r?\n$/, "");
    }
  } catch (cause) {
    if (cause instanceof NexusError) throw cause;
    const how = cause instanceof Error ? cause.message : String(cause);
    throw new NexusError("CONFIG_INVALID", `Cannot read secrets in "${folder}": ${how}`, { cause });
  }
  return found;
}

function checked(where: string, value: string): string {
  if (value.length <= MOST_BYTES && !value.includes("\0")) return value;
  const how = value.includes("\0") ? "has a zero byte" : `has more than ${MOST_BYTES} bytes`;
  throw new NexusError("CONFIG_INVALID", `Cannot read secret "${where}": it ${how}`);
}
