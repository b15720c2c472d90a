import type { Cursor } from "./cursor.ts";
import type { LineHeader } from "./line-header.ts";

interface Registers {
  address: number;
  file: number;
  line: number;
  column: number;
}

interface Sink {
  readonly row: (registers: Readonly<Registers>) => void;
  readonly end: (address: number) => void;
}

const FIRST: Registers = { address: 0, file: 1, line: 1, column: 0 };

/** Runs a unit's program to its end. Every instruction takes a byte at least, so that it has one. */
export function runProgram(cursor: Cursor, header: LineHeader, sink: Sink): void {
  const { instructionBytes, lineBase, lineRange, opcodeBase } = header;
  const now = { ...FIRST };
  const constantAdvance = Math.floor((255 - opcodeBase) / lineRange) * instructionBytes;
  while (!cursor.done) {
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      now.address += Math.floor(adjusted / lineRange) * instructionBytes;
      now.line += lineBase + (adjusted % lineRange);
      sink.row(now);
    } else if (opcode === 0) {
      extended(cursor, now, sink);
    } else {
      standard(cursor, { opcode, header, now, constantAdvance, sink });
    }
  }
}

function standard(
  cursor: Cursor,
  step: {
    readonly opcode: number;
    readonly header: LineHeader;
    readonly now: Registers;
    readonly constantAdvance: number;
    readonly sink: Sink;
  },
): void {
  const { opcode, header, now } = step;
  switch (opcode) {
    case 1: // copy
      step.sink.row(now);
      break;
    case 2: // advance_pc
      now.address += cursor.uleb() * header.instructionBytes;
      break;
    case 3: // advance_line
      now.line += cursor.sleb();
      break;
    case 4: // set_file
      now.file = cursor.uleb();
      break;
    case 5: // set_column
      now.column = cursor.uleb();
      break;
    case 8: // const_add_pc
      now.address += step.constantAdvance;
      break;
    case 9: // fixed_advance_pc
      now.address += cursor.u16();
      break;
    default:
      for (let left = header.operands[opcode]!; left > 0; left -= 1) cursor.uleb();
  }
}

function extended(cursor: Cursor, now: Registers, sink: Sink): void {
  const length = cursor.uleb();
  const end = cursor.at + length;
  if (length === 0) return;
  const opcode = cursor.u8();
  if (opcode === 1) {
    sink.end(now.address);
    Object.assign(now, FIRST);
  } else if (opcode === 2) {
    now.address = cursor.unsigned(length - 1);
  }
  // At the end already where the instruction is known.
  cursor.skip(end - cursor.at);
}
