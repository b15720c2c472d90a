import { stat, statfs } from "node:fs/promises";
import type { StatsFs } from "node:fs";
import { dirname, resolve } from "node:path";

export interface DataDir {
  /** As it was named. */
  readonly path: string;
  /** Undefined: it is not there yet. */
  readonly access: { readonly mode: number; readonly uid: number } | undefined;
  /** Of the file system that it is in, or will be. */
  readonly kind: VolumeKind;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export type VolumeKind = "disk" | "memory" | "network" | "container layer";

// statfs(2), f_type.
const KINDS: Readonly<Record<number, VolumeKind>> = {
  0x01021994: "memory", // tmpfs
  0x858458f6: "memory", // ramfs
  0x6969: "network", // NFS
  0x517b: "network", // SMB
  0xff534d42: "network", // CIFS
  0xfe534d42: "network", // SMB2
  0x00c36400: "network", // Ceph
  0x01021997: "network", // 9P
  0x794c7630: "container layer", // overlayfs
};

export async function readDataDir(path: string): Promise<DataDir> {
  const full = resolve(path);
  const { type, bavail, blocks, bsize } = await statfsAt(full);
  return {
    path,
    access: await accessOf(full),
    kind: KINDS[type >>> 0] ?? "disk",
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
  };
}

async function accessOf(path: string): Promise<DataDir["access"]> {
  try {
    const { mode, uid } = await stat(path);
    return { mode: mode & 0o777, uid };
  } catch {
    return undefined;
  }
}

/** Of the nearest folder above that is there. */
async function statfsAt(path: string): Promise<StatsFs> {
  try {
    return await statfs(path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return statfsAt(dirname(path));
  }
}
