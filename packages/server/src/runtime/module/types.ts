import { invalidModule, type Reader } from "./reader.ts";

/** A function's type in one letter a value: `i` i32, `I` i64, `f` f32, `F` f64, `?` any other. */
export interface Signature {
  readonly params: string;
  readonly results: string;
}

/** A type of the type section. */
export interface FunctionType extends Signature {
  /** Where in the module its results stand: their number, and the types. */
  readonly resultsAt: number;
}

const LETTER: Readonly<Record<number, string>> = { 0x7f: "i", 0x7e: "I", 0x7d: "f", 0x7c: "F" };
const NAME: Readonly<Record<string, string>> = { i: "i32", I: "i64", f: "f32", F: "f64" };

export function signatureText({ params, results }: Signature): string {
  const list = (letters: string) =>
    Array.from(letters, (letter) => NAME[letter] ?? "another type").join(", ");
  return results === "" ? `(${list(params)})` : `(${list(params)}) -> ${list(results)}`;
}

export function valueType(reader: Reader): string {
  const byte = reader.byte();
  // A typed reference: the type it refers to follows.
  if (byte === 0x63 || byte === 0x64) reader.skipNumber();
  return LETTER[byte] ?? "?";
}

/** What V8 takes of types, of functions and of globals, and of values in a function's type. */
export const MOST_DEFINITIONS = 1_000_000;
const MOST_VALUES = 1_000;

/** The type section: one entry a type index; null where the type is no function's. */
export function readTypes(reader: Reader): (FunctionType | null)[] {
  const types: (FunctionType | null)[] = [];
  const add = () => {
    if (types.length === MOST_DEFINITIONS) {
      throw invalidModule(`it has more than ${MOST_DEFINITIONS} types`);
    }
    types.push(subType(reader));
  };
  for (let left = reader.u32(); left > 0; left -= 1) {
    if (reader.peek() === 0x4e) {
      reader.byte();
      for (let group = reader.u32(); group > 0; group -= 1) add();
    } else {
      add();
    }
  }
  return types;
}

function subType(reader: Reader): FunctionType | null {
  let form = reader.byte();
  if (form === 0x50 || form === 0x4f) {
    for (let supers = reader.u32(); supers > 0; supers -= 1) reader.u32();
    form = reader.byte();
  }
  switch (form) {
    case 0x60: {
      const params = valueTypes(reader);
      const resultsAt = reader.at;
      return { params, results: valueTypes(reader), resultsAt };
    }
    case 0x5f:
      for (let fields = reader.u32(); fields > 0; fields -= 1) field(reader);
      return null;
    case 0x5e:
      field(reader);
      return null;
    default:
      throw invalidModule(`a type has the unknown form 0x${form.toString(16)}`);
  }
}

export function valueTypes(reader: Reader): string {
  const count = reader.u32();
  if (count > MOST_VALUES) {
    throw invalidModule(
      `a function has ${count} parameters or results; ${MOST_VALUES} is the most`,
    );
  }
  let letters = "";
  for (let left = count; left > 0; left -= 1) letters += valueType(reader);
  return letters;
}

function field(reader: Reader): void {
  // 0x78 and 0x77 are the packed i8 and i16; like the value types, one byte.
  valueType(reader);
  reader.byte();
}

export function sameType(actual: Signature | null | undefined, wanted: Signature): boolean {
  return actual?.params === wanted.params && actual.results === wanted.results;
}

export function describeType(actual: Signature | null | undefined): string {
  return actual === null || actual === undefined ? "no known function" : signatureText(actual);
}
