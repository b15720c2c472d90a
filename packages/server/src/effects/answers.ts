import { ERRNO } from "../runtime/errno.ts";
import type { HostAnswer } from "../runtime/host-calls.ts";

const utf8 = new TextEncoder();
const NOTHING = new Uint8Array(0);

export function answered(payload: Uint8Array = NOTHING): HostAnswer {
  return { errno: ERRNO.success, payload };
}

/** `why`: for the function's author. */
export function refused(errno: keyof typeof ERRNO, why: string): HostAnswer {
  return { errno: ERRNO[errno], payload: utf8.encode(why) };
}
