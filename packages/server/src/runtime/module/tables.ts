import { tableEntry, type Table } from "./externs.ts";
import { join, leb } from "./writer.ts";

/** Elements of all of a module's tables together, where the function has no limit of its own. */
export const MOST_TABLE_ELEMENTS = 1_000_000;

/** WebAssembly's own ceiling for a table. */
const MOST_ELEMENTS = 0xffff_ffff;

/** A table with the maximum that it is run with. */
export interface CappedTable extends Table {
  readonly cap: number;
  /** Its own, or WebAssembly's. */
  readonly declaredMaximum: number;
}

/** Every table with a maximum, so that all together can never grow over what tables may have. */
export function capTables(tables: readonly Table[], mostElements: number): readonly CappedTable[] {
  const elements = tables.reduce((sum, { initial }) => sum + initial, 0);
  const share = Math.floor((mostElements - elements) / tables.length);
  return tables.map((table) => {
    const declaredMaximum = table.maximum ?? MOST_ELEMENTS;
    return { ...table, declaredMaximum, cap: Math.min(declaredMaximum, table.initial + share) };
  });
}

export function tableSection(tables: readonly CappedTable[]): Uint8Array {
  return join([leb(tables.length), ...tables.map((table) => tableEntry(table, table.cap))]);
}
