import {
  END,
  FACT,
  journalFacts,
  LAST_CALLS,
  NUMBER,
  readEffects,
  readTrouble,
  type JournalFacts,
  type RunEffects,
} from "../journal.ts";
import { CALLS } from "../calls.ts";
import { ERRNO } from "../errno.ts";
import type { RunEnd, Trouble } from "../protocol.ts";
import type { InvokeRequest } from "../runtime.ts";
import { TAPE_MODE } from "../tape.ts";
import { INPUT, INPUT_HEADER_BYTES, isLarge, seatBuffers, type SeatBuffers } from "../seat.ts";

/** What a run is given. */
export interface RunInput {
  readonly id: number;
  /** A number that no other run of the thread has. */
  readonly run: number;
  readonly reservedPages: number;
  readonly supervisedMs: number;
  readonly env: Readonly<Record<string, string>>;
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  readonly tape?: InvokeRequest["tape"] | undefined;
  readonly secrets?: InvokeRequest["secrets"] | undefined;
}

export interface RunResult extends RunEffects {
  readonly end: RunEnd;
  readonly durationMs: number;
  /** Milliseconds of it that the thread could do other work. */
  readonly suspendedMs: number;
  /** The last host calls of a run that did not exit, the oldest first: `fd_write -> success`. */
  readonly lastCalls: readonly string[];
}

/** A text is at most three bytes a UTF-16 unit as UTF-8. */
const MOST_BYTES_A_UNIT = 3;

/** The host's side of a seat. */
export class HostSeat {
  #buffers = seatBuffers(1);
  #header = headerOf(this.#buffers);
  #bytes = bytesOf(this.#buffers);
  #facts: JournalFacts = journalFacts(this.#buffers.journal);
  /** Whether the guest knows these buffers. */
  #told = false;

  get buffers(): SeatBuffers {
    return this.#buffers;
  }

  /** The buffers, where the guest has to be told of them before the next run. */
  untold(): SeatBuffers | undefined {
    if (this.#told) return undefined;
    this.#told = true;
    return this.#buffers;
  }

  /** While the seat is free. */
  write({ id, run, reservedPages, supervisedMs, env, args, stdin, ...input }: RunInput): void {
    const { tape, secrets = NO_SECRETS } = input;
    const { mode, bytes: replayed, startedAt } = tapeOf(tape);
    const variables = variablesOf(env);
    const secretTexts = variablesOf(secrets);
    let argv = "";
    for (const arg of args) argv += zeroEnded(arg);
    const units = variables.length + argv.length + secretTexts.length;
    const most = units * MOST_BYTES_A_UNIT + stdin.length + replayed.length;
    if (INPUT_HEADER_BYTES + most > this.#buffers.input.byteLength) this.#exchange(most);
    const envBytes = this.#bytes.write(variables, INPUT_HEADER_BYTES);
    const argsAt = INPUT_HEADER_BYTES + envBytes;
    const argsBytes = this.#bytes.write(argv, argsAt);
    this.#bytes.set(stdin, argsAt + argsBytes);
    this.#bytes.set(replayed, argsAt + argsBytes + stdin.length);
    const secretsAt = argsAt + argsBytes + stdin.length + replayed.length;
    const secretsBytes = this.#bytes.write(secretTexts, secretsAt);
    const header = this.#header;
    header[INPUT.id] = id;
    header[INPUT.run] = run;
    header[INPUT.secretsCount] = Object.keys(secrets).length;
    header[INPUT.secretsBytes] = secretsBytes;
    header[INPUT.reservedPages] = reservedPages;
    header[INPUT.supervisedMs] = supervisedMs;
    header[INPUT.envCount] = Object.keys(env).length;
    header[INPUT.envBytes] = envBytes;
    header[INPUT.argsCount] = args.length;
    header[INPUT.argsBytes] = argsBytes;
    header[INPUT.stdinBytes] = stdin.length;
    header[INPUT.tapeMode] = mode;
    header[INPUT.tapeBytes] = replayed.length;
    startOf(this.#buffers)[0] = startedAt;
  }

  /** After a run: one that was large is no reason to hold its memory for ever. */
  clean(): void {
    if (isLarge(this.#buffers)) this.#exchange(0);
  }

  /** Of a run that has ended by itself. */
  result(): RunResult {
    const { numbers } = this.#facts;
    const end = this.#end();
    return {
      ...this.effects(),
      end,
      lastCalls: end.kind === "exit" ? NO_CALLS : this.#lastCalls(),
      durationMs: numbers[NUMBER.durationMs]!,
      suspendedMs: numbers[NUMBER.suspendedMs]!,
    };
  }

  /** What the run in it has done so far. */
  effects(): RunEffects {
    return readEffects(this.#buffers.journal, this.#facts);
  }

  #lastCalls(): readonly string[] {
    const { counts } = this.#facts;
    const made = counts[FACT.calls]! >>> 0;
    const told = Math.min(made, LAST_CALLS);
    return Array.from({ length: told }, (_, index) => {
      const call = counts[FACT.lastCalls + ((made - told + 1 + index) % LAST_CALLS)]!;
      return `${CALLS[call >>> 8]} -> ${errnoName(call & 0xff)}`;
    });
  }

  #end(): RunEnd {
    const { counts } = this.#facts;
    const end = counts[FACT.end];
    if (end === END.exit) return { kind: "exit", code: counts[FACT.exitCode]! >>> 0 };
    if (end === END.timedOut) return { kind: "timed_out" };
    if (end === END.diverged) return { kind: "diverged", reason: this.#trouble().reason };
    const trouble = this.#trouble();
    return end === END.noMemory
      ? { kind: "no_memory", reason: trouble.reason }
      : { kind: "trap", ...trouble };
  }

  #trouble(): Trouble {
    return JSON.parse(readTrouble(this.#buffers.journal, this.#facts)) as Trouble;
  }

  #exchange(inputBytes: number): void {
    this.#buffers = seatBuffers(this.#buffers.generation + 1, inputBytes);
    this.#header = headerOf(this.#buffers);
    this.#bytes = bytesOf(this.#buffers);
    this.#facts = journalFacts(this.#buffers.journal);
    this.#told = false;
  }
}

const NO_CALLS: readonly string[] = [];
const NO_SECRETS: Readonly<Record<string, string>> = {};
const NO_TAPE = new Uint8Array(0);

interface SeatTape {
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly startedAt: number;
}

function tapeOf(tape: RunInput["tape"]): SeatTape {
  if (tape === undefined) return { mode: TAPE_MODE.none, bytes: NO_TAPE, startedAt: 0 };
  if (tape === "record") return { mode: TAPE_MODE.record, bytes: NO_TAPE, startedAt: 0 };
  if (tape instanceof Uint8Array) return { mode: TAPE_MODE.replay, bytes: tape, startedAt: 0 };
  return { mode: TAPE_MODE.follow, bytes: tape.follow, startedAt: tape.startedAt };
}

function errnoName(errno: number): string {
  return Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? String(errno);
}

function startOf({ input }: SeatBuffers): Float64Array {
  return new Float64Array(input, INPUT.tapeStartedAt * 4, 1);
}

function headerOf({ input }: SeatBuffers): Int32Array {
  return new Int32Array(input, 0, INPUT_HEADER_BYTES / 4);
}

function bytesOf({ input }: SeatBuffers): Buffer {
  return Buffer.from(input);
}

function variablesOf(values: Readonly<Record<string, string>>): string {
  let texts = "";
  for (const name of Object.keys(values)) texts += `${name}=${zeroEnded(values[name]!)}`;
  return texts;
}

/** With its zero byte; a zero inside would end it early, so it is cut there, as C would read it. */
function zeroEnded(text: string): string {
  const zero = text.indexOf("\0");
  return zero === -1 ? `${text}\0` : text.slice(0, zero + 1);
}
