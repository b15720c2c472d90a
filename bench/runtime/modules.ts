// The modules under measurement: each reads its event to the end and answers `{"bytes":N}`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { functionSettings } from "@nexus-functions/server/functions/settings";
import { ROOT } from "../processes.ts";

export interface Noop {
  readonly language: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function noops(): readonly Noop[] {
  return [
    { language: "C", bytes: read("packages/server/fixtures/noop.wasm") },
    { language: "Rust", bytes: read("bench/runtime/modules/noop-rust.wasm") },
    { language: "AssemblyScript", bytes: read("bench/runtime/modules/noop-assemblyscript.wasm") },
  ];
}

/** What a function may use where nexus.yaml says nothing. */
export const LIMITS = functionSettings("bench", [], {}, {}).limits;

const EVENT = JSON.stringify({
  specversion: "1.0",
  id: "019a8f1e-7a3b-7c55-9d3e-1f2a3b4c5d6e",
  source: "/bench",
  type: "bench.order",
  time: "2026-11-24T12:00:00.000Z",
  datacontenttype: "application/json",
  data: { customer: "c-1042", text: "x".repeat(1024 - 35) },
});

/** What a run is given when it comes by way of the whole server. */
export const REQUEST = {
  stdin: new TextEncoder().encode(EVENT),
  env: {
    TRACE_ID: "4bf92f3577b34da6a3ce929d0e0e4736",
    TRACEPARENT: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    NEXUS_FUNCTION: "bench",
    NEXUS_VERSION: "b".repeat(64),
    NEXUS_EVENT_ID: "019a8f1e-7a3b-7c55-9d3e-1f2a3b4c5d6e",
    NEXUS_ATTEMPT: "1",
    NEXUS_IDEMPOTENCY_KEY: "k".repeat(64),
    NEXUS_REPLAY: "false",
  },
} as const;

export const ANSWER = `{"bytes":${REQUEST.stdin.length}}`;

/** Texts in the modules' data that no run of a bench reads: what C prints for no string, and of a Rust panic. */
const UNREAD = ["(null)", "called `Result::unwrap()`"].map((text) => Buffer.from(text));

/** The module with a number in its data, so that neither V8 nor we take it for one seen before. */
export function distinct(module: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(module);
  const text = UNREAD.find((candidate) => bytes.includes(candidate));
  if (text === undefined) throw new Error("Cannot make the module distinct: no text known in it");
  bytes.write(number.toString(36).padStart(text.length, "0"), bytes.indexOf(text), "latin1");
  return new Uint8Array(bytes);
}

function read(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(ROOT, path)));
}
