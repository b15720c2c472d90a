import { NexusError } from "../core/errors.ts";
import { sha256 } from "../core/ids.ts";

/**
 * A place in a list as the opaque text a client hands back: where the page ended, and a mark of the
 * list and the filter it belongs to. `filter` must leave out what may differ from call to call.
 */
export function encodeCursor(list: string, filter: unknown, last: string): string {
  return Buffer.from(`${mark(list, filter, last)}${last}`).toString("base64url");
}

/** The `last` of `encodeCursor`. CURSOR_INVALID for whatever that did not make for this list and filter. */
export function decodeCursor(list: string, filter: unknown, cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString();
  const last = text.slice(MARK);
  if (text.length > MARK && encodeCursor(list, filter, last) === cursor) return last;
  throw new NexusError(
    "CURSOR_INVALID",
    `Cannot continue the list: cursor "${cursor.slice(0, 80)}" is not one of this list with these filters`,
  );
}

const MARK = 8;

function mark(list: string, filter: unknown, last: string): string {
  return sha256(JSON.stringify([list, filter, last])).slice(0, MARK);
}
