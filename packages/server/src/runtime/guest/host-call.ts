import { ERRNO, WasiError } from "../errno.ts";
import { CALLS, type CallName } from "../calls.ts";
import type { GuestContext } from "./context.ts";
import { trap } from "./trapping.ts";

/** What a host call does: it has answered when it returns, or when its promise resolves. */
export type Answering<A extends readonly unknown[]> = (...args: A) => void | Promise<void>;

/**
 * The call as the guest makes it: counted, a code comes back, and nothing of ours is ever thrown
 * through it. Beyond the most calls it may make, the guest is ended.
 */
export function hostCall<A extends readonly unknown[]>(
  context: GuestContext,
  name: CallName,
  run: Answering<A>,
): (...args: A) => number | Promise<number> {
  const call = CALLS.indexOf(name);
  const answer = (errno: number): number => {
    context.journal.noteCall(call, errno);
    return errno;
  };
  const refuse = (error: unknown): number => {
    if (error instanceof WasiError) return answer(error.errno);
    throw error;
  };
  return (...args) => {
    context.call = call;
    if (context.journal.countCall() > context.mostCalls) {
      context.noteLimit("host_calls");
      trap();
    }
    try {
      const waiting = run(...args);
      if (waiting === undefined) return answer(ERRNO.success);
      return waiting.then(() => answer(ERRNO.success), refuse);
    } catch (error) {
      return refuse(error);
    }
  };
}
