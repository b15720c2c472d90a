import { Cursor } from "./cursor.ts";

/** What the program of one unit needs to be run. */
export interface LineHeader {
  readonly version: number;
  readonly instructionBytes: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** How many numbers follow each of the standard opcodes, from 1. */
  readonly operands: readonly number[];
  /** Where the names of files begin, which file-names.ts reads. */
  readonly namesAt: number;
  readonly offsetBytes: number;
  readonly programAt: number;
  readonly end: number;
}

/**
 * Reads the header of the unit at the cursor and steps over the whole unit. Undefined where its version
 * is none of 2 to 5. Throws where the rest of the section cannot be read.
 */
export function readHeader(cursor: Cursor): LineHeader | undefined {
  const short = cursor.u32();
  const offsetBytes = short === 0xffff_ffff ? 8 : 4;
  const length = offsetBytes === 8 ? cursor.u64() : short;
  const start = cursor.at;
  cursor.skip(length);
  const unit = new Cursor(cursor.bytes, start, cursor.at);
  const version = unit.u16();
  if (version < 2 || version > 5) return undefined;
  if (version === 5) unit.skip(2); // the sizes of addresses and of segments
  const headerBytes = unit.unsigned(offsetBytes);
  const programAt = unit.at + headerBytes;
  const instructionBytes = unit.u8();
  if (version >= 4) unit.skip(1); // operations of one instruction: of machines that have several
  unit.skip(1); // whether rows are statements at first: every row tells a line
  const lineBase = unit.i8();
  const lineRange = unit.u8();
  const opcodeBase = unit.u8();
  if (lineRange === 0 || opcodeBase === 0 || programAt > unit.end) return undefined;
  const operands = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode += 1) operands.push(unit.u8());
  const [namesAt, end] = [unit.at, unit.end];
  return {
    version,
    offsetBytes,
    instructionBytes,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    namesAt,
    programAt,
    end,
  };
}
