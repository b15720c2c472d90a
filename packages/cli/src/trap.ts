import type { Invocation } from "@nexus-functions/client/api.gen";
import type { Paint } from "./output.ts";
import { fitMiddle, visible, widthOf } from "./text.ts";

type InvocationError = NonNullable<Invocation["error"]>;
export type Trap = NonNullable<InvocationError["trap"]>;

const MOST_NAME_COLUMNS = 60;

/** `at order::validate  src/main.rs:41:9`, the innermost function first; libraries' own are dim. */
export function trapLines({ frames }: Trap, paint: Paint): readonly string[] {
  const names = frames.map(({ function: name }) => fitMiddle(visible(name), MOST_NAME_COLUMNS));
  const width = Math.max(0, ...names.map(widthOf));
  const lines = frames.map((frame, index) => {
    const name = names[index]!;
    const padding = " ".repeat(width - widthOf(name));
    const told = `${name}${padding}  ${placeOf(frame)}`;
    return `${paint("dim", "at")} ${isAuthors(frame) ? told : paint("dim", told)}`;
  });
  return repeatsTold(lines, paint);
}

type Frame = Trap["frames"][number];

/** Compilers tell the files of a project by their path in it, and those of libraries by a whole one. */
function isAuthors({ file }: Frame): boolean {
  return file !== undefined && !/^(?:\/|~lib\/)/.test(file);
}

function placeOf({ file, line, column, offset }: Frame): string {
  if (file === undefined) return `0x${offset.toString(16)}`;
  return visible([file, line, column].filter((part) => part !== undefined).join(":"));
}

function repeatsTold(lines: readonly string[], paint: Paint): readonly string[] {
  const told: string[] = [];
  for (let at = 0; at < lines.length;) {
    let end = at + 1;
    while (lines[end] === lines[at]) end += 1;
    told.push(lines[at]!);
    if (end - at > 1) told.push(paint("dim", `   … and ${end - at - 1} times more`));
    at = end;
  }
  return told;
}

export function hostCallLines(trap: Trap): readonly string[] {
  return (trap.host_calls ?? []).map((call) => visible(call));
}

/** What went wrong without the functions on the way, for where these are listed. */
export function withoutFrames({ message, trap }: InvocationError): string {
  if (trap === undefined) return message;
  const at = message.lastIndexOf(trap.reason);
  return at === -1 ? message : message.slice(0, at + trap.reason.length);
}
