import type { Reader } from "./reader.ts";

/** Steps over what follows an opcode; false: not known. */
export function skipImmediates(reader: Reader, opcode: number): boolean {
  // Numeric instructions: nothing follows.
  if (opcode >= 0x45 && opcode <= 0xc4) return true;
  if (opcode >= 0x28 && opcode <= 0x3e) return memoryArgument(reader);
  switch (opcode) {
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case 0x0a: // throw_ref
    case 0x0b: // end
    case 0x0f: // return
    case 0x19: // catch_all
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
    case 0xd3: // ref.eq
    case 0xd4: // ref.as_non_null
      return true;
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
    case 0x06: // try
      return blockType(reader);
    case 0x07: // catch
    case 0x08: // throw
    case 0x09: // rethrow
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
    case 0x12: // return_call
    case 0x14: // call_ref
    case 0x15: // return_call_ref
    case 0x18: // delegate
    case 0x20: // local.get
    case 0x21: // local.set
    case 0x22: // local.tee
    case 0x23: // global.get
    case 0x24: // global.set
    case 0x25: // table.get
    case 0x26: // table.set
    case 0x3f: // memory.size
    case 0x40: // memory.grow
    case 0x41: // i32.const
    case 0x42: // i64.const
    case 0xd0: // ref.null
    case 0xd2: // ref.func
    case 0xd5: // br_on_null
    case 0xd6: // br_on_non_null
      return numbers(reader, 1);
    case 0x11: // call_indirect
    case 0x13: // return_call_indirect
      return numbers(reader, 2);
    case 0x0e: // br_table
      return numbers(reader, reader.u32() + 1);
    case 0x1c: // select with types
      for (let left = reader.u32(); left > 0; left -= 1) blockType(reader);
      return true;
    case 0x1f: // try_table
      return tryTable(reader);
    case 0x43: // f32.const
      return bytes(reader, 4);
    case 0x44: // f64.const
      return bytes(reader, 8);
    case 0xfb:
      return garbageCollected(reader);
    case 0xfc:
      return skipBulk(reader, reader.u32());
    case 0xfd:
      return vector(reader);
    case 0xfe:
      return atomic(reader);
    default:
      return false;
  }
}

function numbers(reader: Reader, count: number): true {
  for (let left = count; left > 0; left -= 1) reader.skipNumber();
  return true;
}

function bytes(reader: Reader, count: number): true {
  reader.skip(count);
  return true;
}

function blockType(reader: Reader): true {
  const first = reader.peek();
  reader.skipNumber();
  // A typed reference: the type it refers to follows.
  if (first === 0x63 || first === 0x64) reader.skipNumber();
  return true;
}

function memoryArgument(reader: Reader): true {
  // Bit 6 of the alignment says that the memory's index follows.
  return numbers(reader, (reader.u32() & 0x40) === 0 ? 1 : 2);
}

function tryTable(reader: Reader): true {
  blockType(reader);
  for (let left = reader.u32(); left > 0; left -= 1) {
    // 0 and 1 name a tag before the label; 2 and 3 catch all.
    numbers(reader, reader.byte() < 2 ? 2 : 1);
  }
  return true;
}

function garbageCollected(reader: Reader): boolean {
  const opcode = reader.u32();
  if (opcode > 30) return false;
  if (opcode === 24 || opcode === 25) {
    reader.skip(1);
    return numbers(reader, 3);
  }
  const two = (opcode >= 2 && opcode <= 5) || (opcode >= 8 && opcode <= 10);
  if (two || (opcode >= 17 && opcode <= 19)) return numbers(reader, 2);
  return numbers(reader, opcode === 15 || opcode >= 26 ? 0 : 1);
}

/** What follows an instruction with the prefix 0xfc, of which this is the number. */
export function skipBulk(reader: Reader, opcode: number): boolean {
  if (opcode > 17) return false;
  // Saturating conversions take nothing; the copies and inits two indices; the rest one.
  if (opcode < 8) return true;
  const two = opcode === 8 || opcode === 10 || opcode === 12 || opcode === 14;
  return numbers(reader, two ? 2 : 1);
}

/** The last of the relaxed vector instructions. */
const LAST_VECTOR = 0x113;

function vector(reader: Reader): boolean {
  const opcode = reader.u32();
  if (opcode > LAST_VECTOR) return false;
  if (opcode <= 11 || opcode === 92 || opcode === 93) return memoryArgument(reader);
  if (opcode === 12 || opcode === 13) return bytes(reader, 16);
  if (opcode >= 21 && opcode <= 34) return bytes(reader, 1);
  if (opcode >= 84 && opcode <= 91) {
    memoryArgument(reader);
    return bytes(reader, 1);
  }
  return true;
}

const FENCE = 3;
const LAST_ATOMIC = 0x4e;

/** All but the fence take a place in memory. */
function atomic(reader: Reader): boolean {
  const opcode = reader.u32();
  if (opcode > LAST_ATOMIC) return false;
  return opcode === FENCE ? bytes(reader, 1) : memoryArgument(reader);
}
