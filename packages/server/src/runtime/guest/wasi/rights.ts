import { FILETYPE, type FileType } from "../../files.ts";

/** The specification's 30 rights: bits of a number, which is cheaper to ask than a bigint. */
export const RIGHT = {
  fdDatasync: 1 << 0,
  fdRead: 1 << 1,
  fdSeek: 1 << 2,
  fdstatSetFlags: 1 << 3,
  fdSync: 1 << 4,
  fdTell: 1 << 5,
  fdWrite: 1 << 6,
  fdAdvise: 1 << 7,
  fdAllocate: 1 << 8,
  pathCreateDirectory: 1 << 9,
  pathCreateFile: 1 << 10,
  pathLinkSource: 1 << 11,
  pathLinkTarget: 1 << 12,
  pathOpen: 1 << 13,
  fdReaddir: 1 << 14,
  pathReadlink: 1 << 15,
  pathRenameSource: 1 << 16,
  pathRenameTarget: 1 << 17,
  pathFilestatGet: 1 << 18,
  pathFilestatSetSize: 1 << 19,
  pathFilestatSetTimes: 1 << 20,
  filestatGet: 1 << 21,
  filestatSetSize: 1 << 22,
  filestatSetTimes: 1 << 23,
  pathSymlink: 1 << 24,
  pathRemoveDirectory: 1 << 25,
  pathUnlinkFile: 1 << 26,
  pollReadWrite: 1 << 27,
  sockShutdown: 1 << 28,
  sockAccept: 1 << 29,
} as const;

const KNOWN = (1n << 30n) - 1n;

/** Those of them that the platform knows; what it does not know gives no right to anything. */
export function rightsIn(rights: bigint): number {
  return Number(BigInt.asUintN(64, rights) & KNOWN);
}

const PIPE_RIGHTS = RIGHT.fdstatSetFlags | RIGHT.filestatGet | RIGHT.pollReadWrite;

export const STREAM_RIGHTS = {
  stdin: PIPE_RIGHTS | RIGHT.fdRead,
  stdout: PIPE_RIGHTS | RIGHT.fdWrite,
  stderr: PIPE_RIGHTS | RIGHT.fdWrite,
} as const;

/** All that can be done with a directory. */
export const DIRECTORY_RIGHTS =
  RIGHT.fdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.pathCreateDirectory |
  RIGHT.pathCreateFile |
  RIGHT.pathLinkSource |
  RIGHT.pathLinkTarget |
  RIGHT.pathOpen |
  RIGHT.fdReaddir |
  RIGHT.pathReadlink |
  RIGHT.pathRenameSource |
  RIGHT.pathRenameTarget |
  RIGHT.pathFilestatGet |
  RIGHT.pathFilestatSetSize |
  RIGHT.pathFilestatSetTimes |
  RIGHT.filestatGet |
  RIGHT.filestatSetTimes |
  RIGHT.pathSymlink |
  RIGHT.pathRemoveDirectory |
  RIGHT.pathUnlinkFile;

/** All that can be done with a file. */
const FILE_RIGHTS =
  RIGHT.fdDatasync |
  RIGHT.fdRead |
  RIGHT.fdSeek |
  RIGHT.fdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.fdTell |
  RIGHT.fdWrite |
  RIGHT.fdAdvise |
  RIGHT.fdAllocate |
  RIGHT.filestatGet |
  RIGHT.filestatSetSize |
  RIGHT.filestatSetTimes |
  RIGHT.pollReadWrite;

/** What a directory hands on to what is opened through it. */
export const INHERITED_RIGHTS = DIRECTORY_RIGHTS | FILE_RIGHTS;

// A terminal is told from a file by these two: see isatty in wasi-libc.
const NO_POSITION = ~(RIGHT.fdSeek | RIGHT.fdTell);

/** Of those asked for, what applies to a file of this type: what is no regular file has no position. */
export function fileRights(type: FileType, asked: number): number {
  return asked & FILE_RIGHTS & (type === FILETYPE.regularFile ? ~0 : NO_POSITION);
}
