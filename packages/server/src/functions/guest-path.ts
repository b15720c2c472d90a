import { SCRATCH } from "../core/mounts.ts";

const MOST_BYTES = 4096;
const MOST_NAME_BYTES = 255;

/** The rule that this place of a mount breaks, in words that follow it; undefined for a good one. */
export function guestFault(path: string): string | undefined {
  if (!path.startsWith("/")) return 'is not an absolute path (try "/data")';
  if (path === "/") return undefined;
  const names = path.slice(1).split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) {
    return 'is not a plain path: no "//", ".", ".." and no slash at its end';
  }
  if (path.includes("\0")) return "holds a zero byte";
  return Buffer.byteLength(path) > MOST_BYTES ||
    names.some((name) => Buffer.byteLength(name) > MOST_NAME_BYTES)
    ? "is too long"
    : undefined;
}

/** What is wrong with the places of several mounts: which of them, and in words. */
export function clashes(
  guests: readonly string[],
  scratch: boolean,
): readonly { readonly index: number; readonly message: string }[] {
  const taken = scratch ? [SCRATCH] : [];
  return guests.flatMap((guest, index) => {
    const other = taken.find((path) => holds(path, guest) || holds(guest, path));
    taken.push(guest);
    if (other === undefined) return [];
    const what = scratch && other === SCRATCH ? "the scratch directory" : `the mount "${other}"`;
    const message =
      other === guest
        ? `is taken by ${what}`
        : `cannot be mounted: one of it and ${what} lies in the other`;
    return [{ index, message }];
  });
}

function holds(outer: string, inner: string): boolean {
  return outer === inner || inner.startsWith(outer === "/" ? outer : `${outer}/`);
}
