import { Cursor, Unreadable } from "./cursor.ts";
import type { LineHeader } from "./line-header.ts";

/** Sections that texts are kept in. */
export interface DebugTexts {
  /** `.debug_line_str` and `.debug_str`. */
  readonly lineTexts: Uint8Array;
  readonly texts: Uint8Array;
}

export interface FileNumber {
  readonly header: LineHeader;
  readonly file: number;
}

/** Of a unit's files, and of its directories; what comes behind has no name. */
const MOST_ENTRIES = 4_096;

/** The name of a file by the number that a unit's program gives it. Undefined: there is none. */
export function fileName(
  section: Uint8Array,
  { header, file }: FileNumber,
  texts: DebugTexts,
): string | undefined {
  if (file >= MOST_ENTRIES) return undefined;
  const cursor = new Cursor(section, header.namesAt, header.end);
  return header.version === 5
    ? newName(cursor, file, { ...texts, offsetBytes: header.offsetBytes })
    : oldName(cursor, file);
}

/** Versions 2 to 4: lists of texts, both counted from 1; directory 0 is where the compiler ran. */
function oldName(cursor: Cursor, file: number): string | undefined {
  const directories: number[] = [cursor.at];
  for (let at = cursor.at; cursor.skipText() > 0; at = cursor.at) {
    if (directories.length < MOST_ENTRIES) directories.push(at);
  }
  for (let index = 1; index <= file; index += 1) {
    const at = cursor.at;
    if (cursor.skipText() === 0) return undefined;
    const directory = cursor.uleb();
    cursor.uleb(); // the time
    cursor.uleb(); // the size
    if (index < file) continue;
    const name = textAt(cursor, at);
    const known = directory > 0 && directory < directories.length;
    return inDirectory(known ? textAt(cursor, directories[directory]!) : "", name);
  }
  return undefined;
}

function textAt({ bytes, end }: Cursor, at: number): string {
  return new Cursor(bytes, at, end).text();
}

/** Version 5: tables that say themselves what they hold; directory 0 is where the compiler ran. */
function newName(cursor: Cursor, file: number, texts: TextSource): string | undefined {
  const directoriesAt = cursor.at;
  entryOf(cursor, -1, texts);
  const found = entryOf(cursor, file, texts);
  if (found === undefined || found.path === "") return undefined;
  const directoryOf = (index: number) =>
    entryOf(new Cursor(cursor.bytes, directoriesAt, cursor.end), index, texts)?.path ?? "";
  if (found.directory === 0 || found.directory >= MOST_ENTRIES) return found.path;
  const base = `${directoryOf(0)}/`;
  const directory = directoryOf(found.directory);
  const isBelow = base !== "/" && directory.startsWith(base);
  return inDirectory(isBelow ? directory.slice(base.length) : directory, found.path);
}

function inDirectory(directory: string, name: string): string {
  return directory === "" || name.startsWith("/") ? name : `${directory}/${name}`;
}

interface Entry {
  readonly path: string;
  readonly directory: number;
}

type TextSource = DebugTexts & { readonly offsetBytes: number };

const CONTENT = { path: 1, directory: 2 } as const;

/** One entry of a table, or undefined; the cursor is behind the table where there is none. */
function entryOf(cursor: Cursor, wanted: number, texts: TextSource): Entry | undefined {
  const formats: { readonly content: number; readonly form: number }[] = [];
  for (let left = cursor.u8(); left > 0; left -= 1) {
    formats.push({ content: cursor.uleb(), form: cursor.uleb() });
  }
  const count = cursor.uleb();
  // Each entry takes bytes, or the count could claim any number of them.
  if (count > 0 && formats.length === 0) throw new Unreadable("entries of nothing");
  for (let index = 0; index < count; index += 1) {
    let [path, directory] = ["", 0];
    for (const { content, form } of formats) {
      if (index !== wanted) skipForm(cursor, form, texts.offsetBytes);
      else if (content === CONTENT.path) path = readText(cursor, form, texts);
      else if (content === CONTENT.directory) directory = readNumber(cursor, form);
      else skipForm(cursor, form, texts.offsetBytes);
    }
    if (index === wanted) return { path, directory };
  }
  return undefined;
}

const FORM = {
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  data1: 0x0b,
  text: 0x0e,
  unsigned: 0x0f,
  data16: 0x1e,
  lineText: 0x1f,
} as const;

function readText(cursor: Cursor, form: number, from: TextSource): string {
  if (form === FORM.string) return cursor.text();
  if (form !== FORM.text && form !== FORM.lineText) throw new Unreadable("a path is no text");
  const at = cursor.unsigned(from.offsetBytes);
  return new Cursor(form === FORM.text ? from.texts : from.lineTexts, at).text();
}

function readNumber(cursor: Cursor, form: number): number {
  switch (form) {
    case FORM.data1:
      return cursor.u8();
    case FORM.data2:
      return cursor.u16();
    case FORM.data4:
      return cursor.u32();
    case FORM.data8:
      return cursor.u64();
    case FORM.unsigned:
      return cursor.uleb();
    default:
      throw new Unreadable("a directory is no number");
  }
}

function skipForm(cursor: Cursor, form: number, offsetBytes: number): void {
  switch (form) {
    case FORM.string:
      cursor.skipText();
      break;
    case FORM.text:
    case FORM.lineText:
      cursor.skip(offsetBytes);
      break;
    case FORM.data16:
      cursor.skip(16);
      break;
    case FORM.block:
      cursor.skip(cursor.uleb());
      break;
    default:
      readNumber(cursor, form);
  }
}
