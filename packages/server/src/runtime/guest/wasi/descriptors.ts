import type { GuestContext } from "../context.ts";
import { BADF } from "../../errno.ts";

/** What a number that the guest holds stands for. The streams are pipes: no position, no size. */
export interface Descriptor {
  readonly stream: "stdin" | "stdout" | "stderr";
  rights: bigint;
  flags: number;
}

export const RIGHT = {
  fdRead: 1n << 1n,
  fdstatSetFlags: 1n << 3n,
  fdWrite: 1n << 6n,
  filestatGet: 1n << 21n,
  pollReadWrite: 1n << 27n,
} as const;

const COMMON = RIGHT.fdstatSetFlags | RIGHT.filestatGet | RIGHT.pollReadWrite;

export function freshDescriptors(): (Descriptor | undefined)[] {
  return [
    { stream: "stdin", rights: COMMON | RIGHT.fdRead, flags: 0 },
    { stream: "stdout", rights: COMMON | RIGHT.fdWrite, flags: 0 },
    { stream: "stderr", rights: COMMON | RIGHT.fdWrite, flags: 0 },
  ];
}

/** Throws BADF where the number stands for nothing. */
export function descriptor(context: GuestContext, fd: number): Descriptor {
  const found = context.descriptors[fd >>> 0];
  if (found === undefined) throw BADF;
  return found;
}
