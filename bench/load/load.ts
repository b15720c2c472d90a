import { median } from "../figures.ts";
import type { Runs, LoadReport } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { runStep, type StepFigures } from "./steps.ts";

export interface LoadTarget {
  readonly url: string;
  readonly token?: string;
  /** Each node behind `url` by an address of its own, where runs are counted; absent: `url` is the only one. */
  readonly nodes?: readonly string[];
  /** Of a bare node:http (bench/bare.ts) on this machine. */
  readonly bareUrl: string;
}

const POLL_MS = 50;
const WARM_SHARE = 0.05;

/** Sends the whole scenario; resolves when all that was accepted was run, or the scenario's time is over. */
export async function runScenario(scenario: Scenario, target: LoadTarget): Promise<LoadReport> {
  const { bareUrl, nodes = [target.url], token = "" } = target;
  const nexus = { url: target.url, token };
  const bare = { url: bareUrl, status: 202 };
  const warm = shortened(scenario, WARM_SHARE);
  for (const one of [bare, nexus]) await runStep(warm, "accept", one); // nothing counts yet
  const before = await settled(scenario, nodes, token);
  const rounds: { readonly bare: StepFigures; readonly nexus: StepFigures }[] = [];
  for (let round = 0; round < scenario.rounds; round += 1) {
    rounds.push({
      bare: await runStep(scenario, "accept", bare),
      nexus: await runStep(scenario, "accept", nexus),
    });
  }
  await settled(scenario, nodes, token); // what waits would be in the next step's way
  const answer = await runStep(scenario, "answer", nexus);
  const after = await settled(scenario, nodes, token);
  return {
    accept: ofRounds(rounds.map((round) => round.nexus)),
    bareAccept: ofRounds(rounds.map((round) => round.bare)),
    answer,
    runs: { accepted: after.accepted - before.accepted, done: after.done - before.done },
  };
}

/** All requests, and of the figures the median round's. */
function ofRounds(rounds: readonly StepFigures[]): StepFigures {
  return {
    requests: total(rounds.map(({ requests }) => requests)),
    failed: total(rounds.map(({ failed }) => failed)),
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}

function shortened(scenario: Scenario, share: number): Scenario {
  const { accept } = scenario.steps;
  const requests = Math.ceil(accept.requests * share);
  return { ...scenario, steps: { ...scenario.steps, accept: { ...accept, requests } } };
}

/** Asks until nothing waits; gives the last answer when the scenario's time is over. */
async function settled(
  { maxSeconds }: Scenario,
  nodes: readonly string[],
  token: string,
): Promise<Runs> {
  const end = performance.now() + maxSeconds * 1000;
  for (;;) {
    const all = await Promise.all(nodes.map((node) => countsOf(node, token)));
    const runs = {
      accepted: total(all.map(({ accepted }) => accepted)),
      done: total(all.map(({ done }) => done)),
    };
    if (all.every(({ unsettled }) => unsettled === 0) || performance.now() > end) return runs;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function countsOf(
  url: string,
  token: string,
): Promise<Runs & { readonly unsettled: number }> {
  const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/metrics`, { headers });
  if (!response.ok) throw new Error(`Cannot count runs: ${url}/metrics answers ${response.status}`);
  const text = await response.text();
  return {
    accepted: sum(text, /^nexus_events_total\{.*status="accepted".*\} (\d+)/gm),
    done: sum(text, /^nexus_deliveries_total\{.*state="done".*\} (\d+)/gm),
    unsettled: sum(text, /^nexus_queue_deliveries\{.*\} (\d+)/gm),
  };
}

function sum(text: string, pattern: RegExp): number {
  return total([...text.matchAll(pattern)].map(([, value]) => Number(value)));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
