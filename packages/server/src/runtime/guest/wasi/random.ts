import type { GuestContext } from "../context.ts";
import type { Family } from "./functions.ts";

/** The most bytes that one call of getRandomValues gives. */
const CHUNK_BYTES = 65_536;

export function randomFunctions({ memory }: GuestContext): Family<"random"> {
  return {
    random_get(at, length) {
      const bytes = memory.slice(at, length);
      for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
        crypto.getRandomValues(bytes.subarray(done, done + CHUNK_BYTES));
      }
    },
  };
}
