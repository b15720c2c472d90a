import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { KEPT_TOKEN, readTokens, type WrittenToken } from "@nexus-functions/server/core/api-token";
import type { Environment, ServerConfig } from "@nexus-functions/server/config";

/** The API tokens that a server started here would take. */
export type TokensFound =
  /** None is set, and none was made. */
  | { readonly from: "nowhere" }
  /** Made at a first start; its hash is kept. */
  | { readonly from: "first start" }
  | { readonly from: "environment"; readonly written: readonly WrittenToken[] }
  | {
      readonly from: "file";
      readonly path: string;
      readonly mode: number;
      readonly written: readonly WrittenToken[];
    }
  | { readonly from: "unreadable file"; readonly path: string; readonly why: string };

export function readTokensFound(
  env: Environment,
  { apiTokens, apiTokenFile, dataDir }: ServerConfig,
): TokensFound {
  if (apiTokens !== undefined) {
    // The configuration has been read: it was valid.
    const written = readTokens(env["NEXUS_API_TOKEN"] ?? "") as readonly WrittenToken[];
    return { from: "environment", written };
  }
  if (apiTokenFile !== undefined) return inFile(apiTokenFile);
  return { from: existsSync(join(dataDir, KEPT_TOKEN)) ? "first start" : "nowhere" };
}

function inFile(path: string): TokensFound {
  try {
    const written = readTokens(readFileSync(path, "utf8"));
    if (typeof written === "string") return { from: "unreadable file", path, why: `it ${written}` };
    return { from: "file", path, mode: statSync(path).mode & 0o777, written };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { from: "unreadable file", path, why: code };
  }
}
