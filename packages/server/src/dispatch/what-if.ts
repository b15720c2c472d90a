import { parseStructured } from "../core/cloudevents.ts";
import { NexusError } from "../core/errors.ts";
import { eventValue, type NexusEvent } from "../core/event.ts";
import type { WhatAnswer, WhatIf } from "../core/what-if.ts";
import { ERRNO } from "../runtime/errno.ts";
import type { HostAnswer } from "../runtime/host-calls.ts";
import { firstRealtime, withAnswers, withClockMoved } from "../runtime/tape-edits.ts";
import { callsOn } from "../runtime/taped-call.ts";
import type { RecordedRun } from "./run-again.ts";

/**
 * The run with something changed of what it was given. REQUEST_INVALID: there is no such place or call. EVENT_INVALID: it would be no event any
 * more.
 */
export function changedRun(run: RecordedRun, whatIf: WhatIf): RecordedRun {
  const { set_data: data, set_clock: clock, set_calls: calls } = whatIf;
  const event = data === undefined ? run.event.event : withData(run.event.event, data);
  let { tape } = run.recording;
  if (calls !== undefined) tape = withAnswers(tape, answersOf(tape, calls));
  let startedAt = Date.parse(run.recorded.started_at);
  if (clock !== undefined) {
    const to = Date.parse(clock);
    const first = firstRealtime(tape) ?? BigInt(startedAt) * NS_A_MS;
    tape = withClockMoved(tape, BigInt(to) * NS_A_MS - first);
    startedAt = to;
  }
  return {
    event: { ...run.event, event },
    recorded: run.recorded,
    recording: { ...run.recording, tape },
    startedAt,
  };
}

const NS_A_MS = 1_000_000n;

function withData(event: NexusEvent, data: Readonly<Record<string, unknown>>): NexusEvent {
  const value = eventValue(event);
  for (const [path, to] of Object.entries(data)) setAt(value, path, to);
  return parseStructured(Buffer.from(JSON.stringify(value)), new Date(event.time));
}

function setAt(root: object, path: string, value: unknown): void {
  const steps = path.split(".");
  const last = steps.pop()!;
  let at = root as Record<string, unknown>;
  for (const step of steps) {
    if (!Object.hasOwn(at, step)) define(at, step, {});
    const next = at[step];
    if (typeof next !== "object" || next === null) {
      throw invalid(`"${path}": there is neither an object nor an array at "${step}"`);
    }
    at = next as Record<string, unknown>;
  }
  define(at, last, value);
}

// A key `__proto__` is a key like any other.
function define(at: object, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true });
}

function answersOf(
  tape: Uint8Array,
  calls: Readonly<Record<string, WhatAnswer>>,
): ReadonlyMap<number, HostAnswer> {
  const recorded = callsOn(tape);
  return new Map(
    Object.entries(calls).map(([number, answer]) => {
      const call = recorded[Number(number) - 1];
      if (call === undefined) {
        throw invalid(`call ${number}: the host answered ${recorded.length} in the recorded run`);
      }
      return [Number(number), answerOf(number, call.name, answer)];
    }),
  );
}

function answerOf(number: string, name: string, answer: WhatAnswer): HostAnswer {
  const { errno, status, headers = {}, body, value } = answer;
  if (errno !== undefined) {
    if (!Object.hasOwn(ERRNO, errno)) throw invalid(`call ${number}: there is no errno "${errno}"`);
    return { errno: ERRNO[errno as keyof typeof ERRNO], payload: bytesOf("set for this replay") };
  }
  if (name === "fetch" && status !== undefined) {
    const lines = Object.entries(headers).map(([key, text]) => `${key.toLowerCase()}: ${text}\n`);
    const head = bytesOf(`${status}\n${lines.join("")}\n`);
    return { errno: 0, payload: Buffer.concat([head, bytesOf(body)]) };
  }
  if (name === "kv_get" && value !== undefined) {
    const revision = Buffer.alloc(8);
    revision.writeBigInt64LE(1n);
    return { errno: 0, payload: Buffer.concat([revision, bytesOf(value)]) };
  }
  const wanted =
    name === "fetch" ? "errno or status" : name === "kv_get" ? "errno or value" : "errno";
  throw invalid(`call ${number} is ${name.replace("_", ".")}, of which the ${wanted} can be set`);
}

function bytesOf(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

function invalid(how: string): NexusError {
  return new NexusError("REQUEST_INVALID", `Cannot change the run: ${how}`);
}
