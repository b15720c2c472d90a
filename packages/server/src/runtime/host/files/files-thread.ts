// A thread of the host's that does what one guest asks of files and of the process's streams. It sleeps
// in Atomics.wait and waits in the system's calls, so that the main thread never has to.
import { parentPort, workerData } from "node:worker_threads";
import { channelViews, TURN, WORD } from "../../files-channel.ts";
import { Answers } from "./answers.ts";
import type { FilesData, FromFilesThread } from "./host-files.ts";
import { hostDirectory } from "./host-directory.ts";
import { BrokenPipe, ProcessStreams } from "./streams.ts";

const { channel, paths } = workerData as FilesData;
const port = parentPort!;
const { words } = channelViews(channel);
const answers = new Answers(channel, {
  directories: paths.map((path) => hostDirectory(path)),
  streams: new ProcessStreams(),
});

function brokenPipe(error: unknown): void {
  if (!(error instanceof BrokenPipe)) throw error;
  port.postMessage("broken pipe" satisfies FromFilesThread);
  // The guest never hears of it: its time is over.
  Atomics.wait(words, WORD.turn, TURN.host);
}

for (let turn = TURN.guest as number; turn !== TURN.closed; turn = Atomics.load(words, WORD.turn)) {
  if (turn === TURN.guest) {
    Atomics.wait(words, WORD.turn, TURN.guest);
    continue;
  }
  try {
    answers.answer();
  } catch (error) {
    brokenPipe(error);
  }
  // Unless it was closed meanwhile.
  Atomics.compareExchange(words, WORD.turn, TURN.host, TURN.guest);
  Atomics.notify(words, WORD.turn);
}
answers.close();
