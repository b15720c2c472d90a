import type { BigIntStats } from "node:fs";
import { FILETYPE, type FileStat, type FileType } from "../../files.ts";

export function fileType(stats: BigIntStats): FileType {
  if (stats.isFile()) return FILETYPE.regularFile;
  if (stats.isDirectory()) return FILETYPE.directory;
  if (stats.isSymbolicLink()) return FILETYPE.symbolicLink;
  if (stats.isCharacterDevice()) return FILETYPE.characterDevice;
  if (stats.isBlockDevice()) return FILETYPE.blockDevice;
  if (stats.isSocket()) return FILETYPE.socketStream;
  return FILETYPE.unknown; // a named pipe: preview 1 has no word for it
}

export function fileStat(stats: BigIntStats): FileStat {
  return {
    device: BigInt.asUintN(64, stats.dev),
    inode: BigInt.asUintN(64, stats.ino),
    type: fileType(stats),
    links: stats.nlink,
    size: stats.size,
    accessedNs: stats.atimeNs,
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
  };
}
