import { embeddedLog } from "../drivers/embedded.ts";

// A program for tests: writes and deletes state as fast as it can, and tells what was acknowledged, until
// it is killed. Each writer has a key of its own, whose value is the number of the write.
const log = await embeddedLog({ dir: process.argv[2]! });
const begin = Number(process.argv[3]!);

/** Resolves when it is in the pipe: whoever reads there gets it, whatever becomes of this process. */
async function send(message: StateLoadMessage): Promise<void> {
  await new Promise((resolve) => process.send!(message, resolve));
}

async function write(key: string): Promise<void> {
  for (let number = begin; ; number += 1) {
    // Every third takes it away.
    if (number % 3 === 0) {
      await log.state.delete("load", key);
      await send({ key, number, revision: 0 });
    } else {
      const value = Buffer.from(String(number));
      const revision = (await log.state.set("load", key, value))!;
      await send({ key, number, revision });
    }
  }
}

export interface StateLoadMessage {
  readonly key: string;
  readonly number: number;
  /** 0: it was deleted. */
  readonly revision: number;
}

await Promise.all(Array.from({ length: 8 }, (_, i) => write(`k${i}`)));
