// npm run bench: every figure beside its limit, measured in the same run. `--quick` for a short look,
// `--only accept,log` for some of it,
// `--nats` for those with NATS instead. Writes bench/results/latest.json, or nats.json.
import { parseArgs } from "node:util";
import { door } from "./door.ts";
import { hostCalls } from "./host-calls.ts";
import { accept, call, pipeline } from "./http.ts";
import { log } from "./log.ts";
import {
  natsAppend,
  natsLatency,
  natsNodes,
  natsPipeline,
  natsRecordings,
  natsState,
} from "./nats.ts";
import { neighbour } from "./neighbour.ts";
import { recordings } from "./recordings.ts";
import { recordingCost, replayNeighbour, replays } from "./replays.ts";
import { measure, report } from "./report.ts";
import { start } from "./start.ts";
import { state } from "./state.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    nats: { type: "boolean", default: false },
  },
});
const http = values.quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 5 };
const logOptions = values.quick ? { rounds: 1, large: 100_000 } : { rounds: 5, large: 1_000_000 };

const recordingOptions = values.quick ? { rounds: 5, count: 1_000 } : { rounds: 25, count: 1_500 };
const replayOptions = values.quick ? { rounds: 1, runs: 5_000 } : { rounds: 5, runs: 20_000 };
const stateOptions = values.quick ? { rounds: 1, count: 2_000 } : { rounds: 5, count: 10_000 };
const natsOptions = values.quick
  ? { rounds: 1, seconds: 2, few: 300, many: 5_000 }
  : { rounds: 5, seconds: 5, few: 2_000, many: 20_000 };

const onNats = {
  append: () => natsAppend(natsOptions),
  pipeline: () => natsPipeline(natsOptions),
  latency: () => natsLatency(natsOptions),
  nodes: () => natsNodes(natsOptions),
  recordings: () => natsRecordings(recordingOptions),
  state: () => natsState(stateOptions),
};
const embedded = {
  accept: () => accept(http),
  call: () => call(http),
  pipeline: () => pipeline(http),
  neighbour: () => neighbour(["endless loops"], http),
  log: () => log(logOptions),
  recordings: () => recordings(recordingOptions),
  cost: () => recordingCost(http),
  replays: () => replays(replayOptions),
  beside: () => replayNeighbour(http, replayOptions.runs),
  state: () => state(stateOptions),
  "host-calls": () =>
    hostCalls(values.quick ? { rounds: 1, count: 300 } : { rounds: 5, count: 200 }),
  door: () => door(values.quick ? 5 : 15),
  start: () => start(values.quick ? 3 : 7),
};
const figures = await measure(values.nats ? onNats : embedded, values.only);
report(values.nats ? "nats" : "latest", figures);
