import type { GuestContext } from "../context.ts";
import type { Family } from "./functions.ts";

const utf8 = new TextEncoder();

/** Arguments and environment: both are lists of zero-ended strings with a table of their addresses. */
export function stringFunctions(context: GuestContext): Family<"args" | "environ"> {
  const { memory } = context;
  const args = () => context.args.map(encode);
  const environ = () =>
    Object.entries(context.env).map(([name, value]) => encode(`${name}=${value}`));

  function sizes(list: readonly Uint8Array[], countAt: number, bytesAt: number): void {
    memory.setU32(countAt, list.length);
    memory.setU32(
      bytesAt,
      list.reduce((sum, { length }) => sum + length, 0),
    );
  }

  function write(list: readonly Uint8Array[], tableAt: number, bytesAt: number): void {
    let address = bytesAt >>> 0;
    for (const [index, bytes] of list.entries()) {
      memory.setU32((tableAt >>> 0) + 4 * index, address);
      memory.slice(address, bytes.length).set(bytes);
      address += bytes.length;
    }
  }

  return {
    args_sizes_get: (countAt, bytesAt) => sizes(args(), countAt, bytesAt),
    args_get: (tableAt, bytesAt) => write(args(), tableAt, bytesAt),
    environ_sizes_get: (countAt, bytesAt) => sizes(environ(), countAt, bytesAt),
    environ_get: (tableAt, bytesAt) => write(environ(), tableAt, bytesAt),
  };
}

/** With its zero byte; a zero inside would end it early, so it is cut there, as C would read it. */
function encode(string: string): Uint8Array {
  const zero = string.indexOf("\0");
  return utf8.encode(`${zero === -1 ? string : string.slice(0, zero)}\0`);
}
