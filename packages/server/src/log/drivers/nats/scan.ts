import type { StoredMsg } from "@nats-io/jetstream";
import type { StreamReader } from "./reader.ts";

/** Messages asked for at once. */
const WINDOW = 256;

/** Every message of a stream from one sequence to another, both included, in order. LOG_UNAVAILABLE. */
export async function* scan(
  reader: StreamReader,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<StoredMsg> {
  let next = from;
  while (next <= to) {
    const end = Math.min(next + WINDOW, to + 1);
    const sequences = Array.from({ length: end - next }, (_, index) => next + index);
    const found = await Promise.all(sequences.map((sequence) => reader.at(sequence)));
    const messages = found.filter((message) => message !== undefined);
    yield* messages;
    next = end;
    if (messages.length > 0 || next > to) continue;
    // A gap, and who knows how wide. A replica that lags behind does not: then it is looked through.
    next = (await reader.next(">", next))?.seq ?? next;
  }
}
