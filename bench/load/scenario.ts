import { readFileSync } from "node:fs";

export type StepName = "accept" | "answer";

export interface Step {
  readonly requests: number;
  readonly connections: number;
  /** How long the server is to wait for the functions before it answers; 0: not at all. */
  readonly waitSeconds: number;
  /** Of every answer; another one is a failed request. */
  readonly status: number;
}

/** What bench/load/scenario.json says: the one description that k6 and autocannon work from. */
export interface Scenario {
  readonly event: { readonly type: string; readonly bytes: number };
  /** How often the step "accept" is repeated, in turns with the bare server, which is a machine's noise shared. */
  readonly rounds: number;
  readonly steps: Readonly<Record<StepName, Step>>;
  readonly maxSeconds: number;
  readonly thresholds: Thresholds;
}

export interface Thresholds {
  readonly failedRequests: number;
  readonly acceptedAndNotRun: number;
  /** 99th percentile beside that of a bare node:http that is sent the same requests. */
  readonly acceptP99OfBare: number;
  /** What being run adds: the 99th percentile of answers with their runs beside that of acceptance. */
  readonly answerP99OfAccept: number;
}

export interface StepRequest {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function readScenario(): Scenario {
  return JSON.parse(readFileSync(new URL("scenario.json", import.meta.url), "utf8")) as Scenario;
}

/** The request that a step sends again and again. */
export function stepRequest({ event, steps }: Scenario, name: StepName, token = ""): StepRequest {
  const { waitSeconds } = steps[name];
  const empty = JSON.stringify({ name: "load", text: "" }).length;
  return {
    path: `/events/${event.type}${waitSeconds === 0 ? "" : `?wait=${waitSeconds}s`}`,
    body: JSON.stringify({ name: "load", text: "x".repeat(event.bytes - empty) }),
    headers: {
      "content-type": "application/json",
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
    },
  };
}
