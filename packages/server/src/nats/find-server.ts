import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { NexusError } from "../core/errors.ts";
import { atLeast, MIN_NATS_VERSION } from "../core/nats-version.ts";

export interface NatsProgram {
  readonly path: string;
  readonly version: string;
}

export interface WhereToLook {
  /** The program itself; nothing else is looked for. */
  readonly program?: string;
  /** As in the environment: folders. */
  readonly path?: string;
}

// Where packages put it, and where the PATH of an ordinary user need not lead.
const ALSO = ["/usr/local/bin", "/usr/sbin"];

const HOW_TO_GET =
  "install it (Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server; any: " +
  "https://github.com/nats-io/nats-server/releases), or set NEXUS_NATS_SERVER to its path";

/**
 * The nats-server of this machine. Rejects with NATS_SERVER_UNUSABLE, saying how to get one, where there is none
 * or what there is cannot be run, and with NATS_UNSUPPORTED where it is too old.
 */
export async function findNatsServer({ program, path = "" }: WhereToLook): Promise<NatsProgram> {
  const found = program ?? (await onPath([...path.split(delimiter), ...ALSO]));
  if (found === undefined) {
    throw new NexusError(
      "NATS_SERVER_UNUSABLE",
      `Cannot start NATS: there is no "nats-server" on PATH; ${HOW_TO_GET}`,
    );
  }
  const version = await versionOf(found);
  if (!atLeast(version, MIN_NATS_VERSION)) {
    throw new NexusError(
      "NATS_UNSUPPORTED",
      `Cannot start NATS: "${found}" is version ${version}, and ${MIN_NATS_VERSION} or newer is needed`,
    );
  }
  return { path: found, version };
}

async function onPath(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    if (folder === "") continue;
    const file = join(folder, "nats-server");
    if (await executable(file)) return file;
  }
  return undefined;
}

async function executable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function versionOf(program: string): Promise<string> {
  const refuse = (how: string, cause?: unknown): NexusError =>
    new NexusError(
      "NATS_SERVER_UNUSABLE",
      `Cannot start NATS: "${program}" ${how}; ${HOW_TO_GET}`,
      { cause },
    );
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(program, ["--version"], { timeout: 10_000 }));
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    throw refuse(code === "ENOENT" ? "is not there" : "cannot be run", error);
  }
  const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/m.exec(stdout)?.[1];
  if (version === undefined) throw refuse("is not a nats-server");
  return version;
}
