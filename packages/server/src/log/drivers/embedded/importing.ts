import { NexusError } from "../../../core/errors.ts";

/** The import that a log comes from. */
export interface ImportMark {
  readonly archive: string;
  readonly done: boolean;
}

/** In the table `meta`. */
export const IMPORT_KEY = Buffer.from("import");

export function decodeMark(value: Buffer | undefined): ImportMark | undefined {
  return value === undefined ? undefined : (JSON.parse(value.toString("latin1")) as ImportMark);
}

export function encodeMark(mark: ImportMark): Buffer {
  return Buffer.from(JSON.stringify(mark));
}

/** IMPORT_UNFINISHED where an import was cut off: what is there is a part of a log. */
export function refuseUnfinished(mark: Buffer | undefined, dir: string): void {
  if (decodeMark(mark)?.done !== false) return;
  throw new NexusError(
    "IMPORT_UNFINISHED",
    `Cannot open event log "${dir}": an import into it was cut off`,
  );
}
