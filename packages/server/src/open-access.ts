import { link, open, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ServerConfig } from "./config.ts";
import {
  asKnown,
  KEPT_TOKEN,
  newToken,
  readTokens,
  tokenHash,
  type ApiToken,
} from "./core/api-token.ts";
import { NexusError } from "./core/errors.ts";
import { isLoopback } from "./core/loopback.ts";

export interface AccessOptions {
  /** Shows a token that was just made to a person, the only time that it is known. */
  readonly showToken?: (token: string) => void;
}

/**
 * The tokens that requests must carry; undefined: none, as on loopback where none is set. Beyond loopback
 * one is made where none is set, shown once, and kept as its hash. CONFIG_INVALID, DATA_DIR_UNUSABLE.
 */
export async function openAccess(
  config: ServerConfig,
  { showToken }: AccessOptions,
): Promise<readonly ApiToken[] | undefined> {
  if (config.apiTokens !== undefined) return config.apiTokens;
  if (config.apiTokenFile !== undefined) return readTokenFile(config.apiTokenFile);
  if (isLoopback(config.host)) return undefined;
  const kept = await readKept(config.dataDir);
  if (kept !== undefined) return [kept];
  if (showToken === undefined) {
    throw new NexusError(
      "CONFIG_INVALID",
      `Cannot listen on ${config.host}: beyond loopback an API token is required; set NEXUS_API_TOKEN or NEXUS_API_TOKEN_FILE`,
    );
  }
  const token = newToken();
  // Where another process was faster, its token holds, and this one is shown to nobody.
  if (await keep(config.dataDir, token)) showToken(token);
  return [(await readKept(config.dataDir))!];
}

async function readTokenFile(path: string): Promise<readonly ApiToken[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const message = `Cannot read NEXUS_API_TOKEN_FILE="${path}": ${(cause as Error).message}`;
    throw new NexusError("CONFIG_INVALID", message, { cause });
  }
  const tokens = readTokens(text);
  if (typeof tokens !== "string") return tokens.map(asKnown);
  throw new NexusError(
    "CONFIG_INVALID",
    `Cannot read NEXUS_API_TOKEN_FILE="${path}": it ${tokens}`,
  );
}

async function readKept(dataDir: string): Promise<ApiToken | undefined> {
  const path = join(dataDir, KEPT_TOKEN);
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(path, (cause as Error).message, cause);
  }
  if (/^[0-9a-f]{64}$/.test(text)) return { scope: "admin", sha256: Buffer.from(text, "hex") };
  throw unusable(path, "it is not the hash of a token; remove it, and another token is made");
}

/** Durable when this resolves; false where one is kept already. */
async function keep(dataDir: string, token: string): Promise<boolean> {
  const path = join(dataDir, KEPT_TOKEN);
  const written = `${path}.${process.pid}`;
  try {
    await mkdir(dataDir, { recursive: true });
    await rm(written, { force: true });
    const file = await open(written, "wx", 0o600);
    try {
      await file.writeFile(`${Buffer.from(tokenHash(token)).toString("hex")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link, unlike a rename, fails where the name is taken: whoever comes first has made the token.
    await link(written, path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw unusable(path, (cause as Error).message, cause);
  } finally {
    await rm(written, { force: true });
  }
}

function unusable(path: string, why: string, cause?: unknown): NexusError {
  return new NexusError("DATA_DIR_UNUSABLE", `Cannot keep the API token in "${path}": ${why}`, {
    cause,
  });
}
