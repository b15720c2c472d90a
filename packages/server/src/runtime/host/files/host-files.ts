import { Worker } from "node:worker_threads";
import { channelViews, filesChannel, TURN, WORD, type PassThrough } from "../../files-channel.ts";
import { streamKind } from "./streams.ts";

/** What the thread is given at its start. */
export interface FilesData {
  readonly channel: SharedArrayBuffer;
  readonly paths: readonly string[];
}

export type FromFilesThread = "broken pipe";

export interface GrantedDirectory {
  /** Where it is on this machine. */
  readonly path: string;
  /** What the guest knows it by. */
  readonly guest: string;
}

export interface HostFiles {
  /** To be handed to one invocation. */
  readonly passThrough: PassThrough;
  /** Resolves when nobody reads the process's output any more; the guest waits for ever from then on. */
  readonly brokenPipe: Promise<void>;
  /** Whether the last that was written to a terminal did not end its line. */
  lineIsOpen(): boolean;
  /**
   * Closes all files; safe to call twice. False: the thread sits in a call of the system's that does not end, such as a read
   * from a terminal, and Node cannot end the process before it does.
   */
  close(): Promise<boolean>;
}

// This file's own extension: .ts when run from source, .js when built.
const THREAD = new URL(`./files-thread${import.meta.url.slice(-3)}`, import.meta.url);
/** A call that ends by itself has ended well before. */
const PATIENCE_MS = 200;
const LINE_FEED = 10;

/** Gives one guest this process's streams and these directories. A thread that fails is a bug: it ends the process. */
export function openHostFiles(directories: readonly GrantedDirectory[]): HostFiles {
  const channel = filesChannel();
  const data: FilesData = { channel, paths: directories.map(({ path }) => path) };
  const thread = new Worker(THREAD, {
    name: "nexus-files",
    workerData: data,
    env: {},
    execArgv: [],
  });
  const gone = new Promise<boolean>((resolve) => thread.once("exit", () => resolve(true)));
  const { words } = channelViews(channel);
  let closing: Promise<boolean> | undefined;

  async function close(): Promise<boolean> {
    const before = Atomics.exchange(words, WORD.turn, TURN.closed);
    Atomics.notify(words, WORD.turn);
    if (before !== TURN.host) return gone;
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    const ended = await Promise.race([gone, late]);
    clearTimeout(timer);
    if (!ended) thread.unref();
    return ended;
  }

  return {
    passThrough: {
      channel,
      streams: [streamKind(0), streamKind(1), streamKind(2)],
      directories: directories.map(({ guest }) => guest),
    },
    brokenPipe: new Promise((resolve) => {
      thread.once("message", (_message: FromFilesThread) => resolve());
    }),
    lineIsOpen: () => words[WORD.shown] !== 0 && words[WORD.shown] !== LINE_FEED,
    close: () => (closing ??= close()),
  };
}
