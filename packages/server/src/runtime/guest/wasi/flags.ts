import { INVAL } from "../../errno.ts";

export const FDFLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16, all: 31 } as const;
export const OFLAG = { create: 1, directory: 2, exclusive: 4, truncate: 8, all: 15 } as const;
export const LOOKUP = { follow: 1, all: 1 } as const;
export const FSTFLAG = {
  accessed: 1,
  accessedNow: 2,
  modified: 4,
  modifiedNow: 8,
  all: 15,
} as const;

/** INVAL where a bit is set that none of these flags has. */
export function checkFlags(value: number, { all }: { readonly all: number }): void {
  if ((value & ~all) !== 0) throw INVAL;
}
