import { leb, signedLeb } from "./writer.ts";

/** Instructions as bytes, for code that is added to a module. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const IF = [0x04, 0x40];
export const END = 0x0b;
export const RETURN = 0x0f;
export const UNREACHABLE = 0x00;

export const getLocal = (index: number) => [0x20, ...leb(index)];
export const setLocal = (index: number) => [0x21, ...leb(index)];
export const getGlobal = (index: number) => [0x23, ...leb(index)];
export const setGlobal = (index: number) => [0x24, ...leb(index)];
export const constant = (value: number) => [0x41, ...signedLeb(value)];
export const call = (index: number) => [0x10, ...leb(index)];
