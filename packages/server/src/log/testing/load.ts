import { embeddedLog } from "../drivers/embedded.ts";
import { newEvent, settlementOf } from "./fixtures.ts";

// A program for tests: appends and settles as fast as it can, and tells what was acknowledged and what
// was handed out, until it is killed.
const [dir, round] = [process.argv[2]!, process.argv[3]!];
const log = await embeddedLog({ dir });
const send = (message: LoadMessage): void => void process.send!(message);

async function append(writer: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const id = `${round}-${writer}-${i}`;
    const [answer] = await log.append([newEvent({ id })]);
    send({ kind: "acknowledged", id, position: answer!.position });
  }
}

async function consume(name: string): Promise<void> {
  const subscription = { name, patterns: ["com.*"], concurrency: 16, start: "earliest" } as const;
  for await (const delivery of log.consume(subscription, new AbortController().signal)) {
    const { position } = delivery.stored;
    send({ kind: "handed", name, position });
    // One in seven is tried again first.
    const retry = position % 7 === 0 && delivery.attempt === 1;
    const settlement = settlementOf(
      delivery,
      retry ? { state: "retry", at: 0 } : { state: "done" },
    );
    const recording = Buffer.from(settlement.invocation.id);
    void log.settle(delivery, { ...settlement, recording }).then(() => {
      if (!retry) send({ kind: "settled", name, position });
    });
  }
}

await Promise.all([
  consume("fn"),
  consume("other"),
  ...Array.from({ length: 8 }, (_, i) => append(i)),
]);

export type LoadMessage =
  | { readonly kind: "acknowledged"; readonly id: string; readonly position: number }
  | { readonly kind: "handed"; readonly name: string; readonly position: number }
  | { readonly kind: "settled"; readonly name: string; readonly position: number };
