import autocannon from "autocannon";
import { stepRequest, type Scenario, type StepName } from "./scenario.ts";

export interface StepFigures {
  readonly requests: number;
  /** Answers with another status than the step's, and requests without an answer. */
  readonly failed: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Target {
  readonly url: string;
  readonly token?: string;
  /** Of every answer, where it is not the one that the step asks for. */
  readonly status?: number;
}

/** Sends all requests of a step, each connection one after the other; resolves when all are answered. */
export async function runStep(
  scenario: Scenario,
  name: StepName,
  { url, token, status }: Target,
): Promise<StepFigures> {
  const { requests, connections, status: wanted } = scenario.steps[name];
  const { path, body, headers } = stepRequest(scenario, name, token);
  const latenciesMs: number[] = [];
  let right = 0;
  const begun = performance.now();
  let last = begun;
  await new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      {
        url: `${url}${path}`,
        method: "POST",
        amount: requests,
        connections,
        body,
        headers,
        bailout: 1, // a server that is gone ends the step
        timeout: scenario.maxSeconds,
      },
      (error?: Error | null) => (error ? reject(error) : resolve()),
    );
    // Its own figures are in whole milliseconds and whole seconds.
    instance.on("response", (_client, code, _bytes, ms) => {
      last = performance.now();
      latenciesMs.push(ms);
      if (code === (status ?? wanted)) right += 1;
    });
  });
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) =>
    latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? Infinity;
  return {
    requests,
    failed: requests - right,
    perSecond: latenciesMs.length / ((last - begun) / 1000),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
