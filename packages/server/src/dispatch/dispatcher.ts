import { NexusError } from "../core/errors.ts";
import type { NewEvent, StoredEvent } from "../core/event.ts";
import type { FunctionVersion } from "../core/function.ts";
import type { Invocation } from "../core/invocation.ts";
import type { RecordingFile } from "../core/recording-file.ts";
import type { PlatformSettings } from "../core/settings.ts";
import { childTrace, formatTraceparent, parseTraceparent } from "../core/trace.ts";
import type { Effects } from "../effects/effects.ts";
import type { Functions, VersionArchive } from "../functions/functions.ts";
import type { Appended, Delivery, EventLog } from "../log/log.ts";
import type { Outcome, Runtime } from "../runtime/runtime.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { runAttempt, type Attempt } from "./attempt.ts";
import { runCron } from "./cron.ts";
import type { CallResult, Dispatch, ReplayOptions, Waited } from "./dispatch.ts";
import { invocationRecord } from "./record.ts";
import { recordingFile } from "./recording-files.ts";
import { ReplayJobs } from "./replays/replay-jobs.ts";
import type { Replays } from "./replays/replays.ts";
import { type RerunOptions, Reruns } from "./rerun.ts";
import type { Rerun } from "./run-again.ts";
import { FunctionRunner } from "./runner.ts";
import { Waiters } from "./waiters.ts";

export interface DispatcherOptions {
  readonly log: EventLog;
  readonly functions: Functions;
  readonly versions: VersionArchive;
  readonly runtime: Runtime;
  readonly effects: Effects;
  readonly telemetry: Telemetry;
  readonly settings: () => PlatformSettings;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** In [0, 1); for jitter. */
  readonly random: () => number;
}

/** What the parts of this room are handed. */
export interface DispatchDeps extends DispatcherOptions {
  /** Aborts when waiting any longer is over: the last moment of a stop. */
  readonly stopSignal: AbortSignal;
}

/** Calls that may wait for a free slot of their function before further ones are refused. */
const MAX_WAITING_CALLS = 1024;

interface Service {
  readonly runner: FunctionRunner;
  /** Ends cron triggers. */
  readonly ended: AbortController;
}

/** Serves the functions of `options.functions`, and every later set of them, until `stop`. */
export function createDispatcher(options: DispatcherOptions): Dispatch {
  return new Dispatcher(options);
}

class Dispatcher implements Dispatch {
  readonly #deps: DispatchDeps;
  readonly #waiters: Waiters;
  readonly #reruns: Reruns;
  readonly #jobs: ReplayJobs;
  readonly #services = new Map<string, Service>();
  readonly #retiring = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #following: Promise<void>;
  #served: readonly FunctionVersion[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: DispatcherOptions) {
    this.#deps = { ...options, stopSignal: this.#giveUp.signal };
    this.#waiters = new Waiters(options.log, options.functions);
    this.#reruns = new Reruns(options);
    this.#jobs = new ReplayJobs({
      ...options,
      reruns: this.#reruns,
      runLive: (stored, name) =>
        this.#replayOn(name, stored, { traceparent: formatTraceparent(childTrace()) }),
    });
    this.#serve(options.functions.list());
    this.#following = this.#follow();
  }

  async call(event: NewEvent, name: string): Promise<CallResult> {
    const { runner } = this.#serviceOf(name);
    runner.begin();
    try {
      if (!runner.slots.tryTake()) await waitForSlot(runner);
      try {
        const claim = this.#deps.log.claim(event, runner.version.name);
        if (claim.event === undefined) return duplicateCall(await claim.durable);
        claim.durable.catch(heardBelow);
        const done = await runner.run(claim.event, 1);
        const { delivery, ...appended } = await claim.durable;
        if (delivery === undefined) return duplicateCall(appended);
        void settleCall(runner, delivery, done); // a rejection here is a bug
        return { appended, invocationId: done.id, outcome: judgedOutcome(done) };
      } finally {
        runner.slots.release();
      }
    } finally {
      runner.end();
    }
  }

  appendAndWait(events: readonly NewEvent[], signal: AbortSignal): Promise<readonly Waited[]> {
    return this.#waiters.appendAndWait(events, AbortSignal.any([signal, this.#stopping.signal]));
  }

  async replay(stored: StoredEvent, options: ReplayOptions): Promise<readonly Invocation[]> {
    const names =
      options.function === undefined
        ? this.#deps.functions.matching(stored).map(({ name }) => name)
        : [options.function];
    return Promise.all(names.map((name) => this.#replayOn(name, stored, options)));
  }

  async #replayOn(name: string, stored: StoredEvent, options: ReplayOptions): Promise<Invocation> {
    const { runner } = this.#serviceOf(name);
    await runner.slots.take();
    try {
      const replayTrace = parseTraceparent(options.traceparent);
      const done = await runner.hold(
        runAttempt(
          {
            event: stored,
            version: runner.version,
            attempt: 1,
            trigger: "replay",
            chainDepth: this.#deps.settings().chainDepth,
            maxEventBytes: this.#deps.log.maxEventBytes,
            ...(replayTrace === undefined ? {} : { replayTrace }),
          },
          this.#deps,
        ),
      );
      const invocation = invocationRecord(done, {
        position: stored.position,
        delivery: "none",
      });
      await this.#deps.log.record(invocation, done.emitted, done.recording);
      return invocation;
    } finally {
      runner.slots.release();
    }
  }

  async rerun(invocationId: string, options?: RerunOptions): Promise<Rerun> {
    if (this.#stopping.signal.aborted) {
      throw new NexusError("SHUTTING_DOWN", "Cannot replay: the server is stopping");
    }
    return this.#reruns.rerun(invocationId, options);
  }

  recordingFile(
    invocationId: string,
    options: { readonly withModule: boolean },
  ): Promise<RecordingFile> {
    return recordingFile(this.#deps, invocationId, options);
  }

  get replays(): Replays {
    return this.#jobs;
  }

  stop(signal: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(signal);
    return this.#stopped;
  }

  async #stop(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    for (const name of this.#services.keys()) this.#retire(name);
    const drained = Promise.all([this.#following, this.#jobs.stop(), ...this.#retiring]);
    if (!(await endsBefore(drained, signal))) {
      // Out of patience: the guests are stopped, and their deliveries handed out after the restart.
      this.#giveUp.abort();
      await this.#deps.runtime.close(signal);
    }
    await drained;
  }

  async #follow(): Promise<void> {
    for await (const versions of this.#deps.functions.changes(this.#stopping.signal)) {
      this.#serve(versions);
    }
  }

  #serve(versions: readonly FunctionVersion[]): void {
    if (this.#stopping.signal.aborted || versions === this.#served) return;
    this.#served = versions;
    const wanted = new Map(versions.map((version) => [version.name, version]));
    for (const [name, { runner }] of this.#services) {
      if (wanted.get(name)?.version !== runner.version.version) this.#retire(name);
    }
    for (const [name, version] of wanted) {
      if (!this.#services.has(name)) this.#begin(version);
    }
  }

  #begin(version: FunctionVersion): void {
    const runner = new FunctionRunner(version, this.#deps);
    const ended = new AbortController();
    this.#services.set(version.name, { runner, ended });
    runner.start();
    for (const trigger of version.triggers) {
      if (trigger.kind !== "cron") continue;
      void runner.hold(runCron(version.name, trigger, this.#deps, ended.signal));
    }
  }

  #retire(name: string): void {
    const { runner, ended } = this.#services.get(name)!;
    this.#services.delete(name);
    runner.retire();
    ended.abort();
    const retired = this.#unloadWhenDrained(runner).finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  async #unloadWhenDrained(runner: FunctionRunner): Promise<void> {
    await runner.drained();
    const { version } = runner.version;
    // It may have come back meanwhile, and the runtime keeps what is in service.
    for (const service of this.#services.values()) {
      if (service.runner.version.version === version) return;
    }
    this.#deps.runtime.unload(version);
  }

  #serviceOf(name: string): Service {
    if (this.#stopping.signal.aborted) {
      throw new NexusError(
        "SHUTTING_DOWN",
        `Cannot run function "${name}": the server is stopping`,
      );
    }
    // The registry may have been exchanged in this very turn.
    this.#serve(this.#deps.functions.list());
    const service = this.#services.get(name);
    if (service === undefined) {
      throw new NexusError("FUNCTION_NOT_FOUND", `Cannot run function "${name}": there is none`);
    }
    return service;
  }
}

// The caller of a request/response function has its answer, good or bad, and decides itself whether
// to try again: such a delivery ends with its first run.
function settleCall(runner: FunctionRunner, delivery: Delivery, done: Attempt): Promise<void> {
  const { position } = delivery.stored;
  const invocation = invocationRecord(done, { position, delivery: "done" });
  const { emitted, recording } = done;
  return runner.settle(delivery, {
    invocation,
    ...(recording === undefined ? {} : { recording }),
    emitted,
    next: { state: "done" },
  });
}

function duplicateCall({ status, position }: Appended): CallResult {
  return { appended: { status, position }, invocationId: "", outcome: undefined };
}

function judgedOutcome({ outcome, status, error }: Attempt): Outcome {
  return status === outcome.status ? outcome : { ...outcome, status, error };
}

/** Of an append that fails while the function still runs: whoever called hears of it when the run has ended. */
function heardBelow(): void {}

async function waitForSlot(runner: FunctionRunner): Promise<void> {
  if (runner.slots.waiting >= MAX_WAITING_CALLS) {
    throw new NexusError(
      "OVERLOADED",
      `Cannot run function "${runner.version.name}": ${runner.version.concurrency} calls run and ${MAX_WAITING_CALLS} wait`,
    );
  }
  await runner.slots.take();
}

/** Whether `work` ended before `signal` aborted. */
async function endsBefore(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<false>();
  const onAbort = () => resolve(false);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
