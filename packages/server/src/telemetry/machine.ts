import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import type { DiskFigures } from "./metrics.ts";

/** The file system that a path is on. Rejects where there is no such path. */
export async function diskOf(path: string): Promise<DiskFigures> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

/** What this process may use of the machine's memory, in bytes. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  // 0: unknown. Without a limit, control groups of version 1 name a number beyond any machine's memory.
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
