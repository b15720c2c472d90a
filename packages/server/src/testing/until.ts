// How tests wait: on a condition, and never for ever.

const POLL_MS = 10;
/** More than any wait of a good run takes. */
const WITHIN_MS = 120_000;

/**
 * Asks until the answer satisfies `when` (unless said otherwise: is truthy), and resolves with it. Rejects
 * after two minutes with the last answer: a test's own time limit ends the test, but neither the loop nor
 * the process that it keeps alive.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  when: (answer: T) => boolean = Boolean,
): Promise<T> {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const answer = await ask();
    if (when(answer)) return answer;
    if (performance.now() > end) {
      const text = JSON.stringify(answer)?.slice(0, 1000);
      throw new Error(`Still not so after ${WITHIN_MS / 1000} s: ${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
