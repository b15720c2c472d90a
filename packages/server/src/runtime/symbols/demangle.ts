import { demangleV0 } from "./demangle-v0.ts";

/** Longer names are cut. */
const MOST_NAME_CHARS = 200;

/** A function's name as its author wrote it, as far as that can be told. */
export function readableName(name: string): string {
  const told = demangled(name).replace(HASH, "");
  return told.length <= MOST_NAME_CHARS ? told : `${told.slice(0, MOST_NAME_CHARS - 1)}…`;
}

/** What rustc puts behind a path; the linker takes names apart and leaves it. */
const HASH = /(?<=.)::h[0-9a-f]{16}(?:\.llvm\.\d+)?$/;

function demangled(name: string): string {
  if (name.startsWith("_R")) return demangleV0(name) ?? name;
  const path = /^_?_?ZN?(?=[K\d])/.exec(name);
  if (path === null) return unescaped(name);
  const parts = identifiers(name.slice(path[0].length).replace(/^K/, ""));
  return parts === undefined ? name : unescaped(parts.join("::"));
}

/** Parts that each have their length in front, as C++ and older Rust write a path; undefined: something else. */
function identifiers(text: string): string[] | undefined {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const length = /^\d{1,4}/.exec(rest)?.[0];
    if (length === undefined) break;
    const end = length.length + Number(length);
    if (end > rest.length) return undefined;
    parts.push(rest.slice(length.length, end));
    rest = rest.slice(end);
  }
  // What follows are a C++ function's parameters; templates and operators are left as they are.
  return parts.length > 0 && /^(?:E|[a-z]|$)/.test(rest) ? parts : undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  $LT$: "<",
  $GT$: ">",
  $RF$: "&",
  $BP$: "*",
  $LP$: "(",
  $RP$: ")",
  $C$: ",",
  $SP$: "@",
};

/** Older Rust has these in place of characters that linkers do not take. */
function unescaped(name: string): string {
  if (!/\$(?:LT|RF|BP|LP|u[0-9a-f]+|C)\$/.test(name)) return name;
  return name
    .replace(/\$(?:LT|GT|RF|BP|LP|RP|SP|C)\$/g, (escape) => ESCAPES[escape]!)
    .replace(/\$u([0-9a-f]{1,5})\$/g, (_, code: string) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    )
    .replace(/(^|::)_(?=[<{])/g, "$1")
    .replaceAll("..", "::");
}
