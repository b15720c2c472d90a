import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Archive {
  /** Of a gzipped tar archive. */
  readonly url: string;
  /** Of the archive, in hexadecimal. */
  readonly sha256: string;
  /** The program's path inside the archive. */
  readonly member: string;
}

/**
 * Puts one program out of an archive at `path`, executable; what was there is replaced, and nobody ever finds half of
 * it. Rejects, with nothing written there, where the archive cannot be had, has another checksum, or lacks the program.
 */
export async function fetchProgram({ url, sha256, member }: Archive, path: string): Promise<void> {
  const bytes = await download(url);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) {
    throw new Error(`Refused ${url}: its SHA-256 is ${found}, and ${sha256} was expected`);
  }
  const folder = mkdtempSync(join(tmpdir(), "nexus-fetch-"));
  try {
    const archive = join(folder, "archive.tar.gz");
    writeFileSync(archive, bytes);
    const tar = spawnSync("tar", ["-xzf", archive, "-O", member], { maxBuffer: 1024 ** 3 });
    if (tar.status !== 0) {
      const why = tar.error?.message ?? tar.stderr.toString();
      throw new Error(`Cannot take "${member}" out of ${url}: ${why}`);
    }
    mkdirSync(dirname(path), { recursive: true });
    const part = `${path}.${randomUUID()}`; // beside it: a rename across file systems is none
    writeFileSync(part, tar.stdout);
    chmodSync(part, 0o755);
    renameSync(part, path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function download(url: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    throw new Error(`Cannot download ${url}: ${(cause as Error).message}`, { cause: error });
  }
  if (!response.ok) throw new Error(`Cannot download ${url}: the answer is ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
