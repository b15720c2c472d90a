import type { Trap, TrapFrame } from "../../core/invocation.ts";
import { authorsFrames } from "./panic.ts";

const FRAMES_TOLD = 5;

/** A trap in one line: why, and the author's functions on the way. */
export function trapText({ reason, frames }: Trap): string {
  const told: string[] = [];
  for (const frame of authorsFrames(frames)) {
    const text = frameText(frame);
    // A function that called itself is told once.
    if (text === told.at(-1)) continue;
    if (told.length === FRAMES_TOLD) break;
    told.push(text);
  }
  return told.length === 0 ? reason : `${reason} in ${told.join(" < ")}`;
}

function frameText({ function: name, file, line, column }: TrapFrame): string {
  if (file === undefined) return name;
  return `${name} (${file}:${line}${column === undefined ? "" : `:${column}`})`;
}
