// calls: the same C module behind HTTP, here and at the peers, under the same load, in turns. The peers
// answer and forget; our server keeps the event and the run's record on disk beside it.
import { median, type Figure } from "../figures.ts";
import { CONNECTIONS, JSON_TYPE, KILOBYTE, type Rounds } from "../http.ts";
import { load, type LoadResult } from "../load.ts";
import { bareServer, nexusServer, type Server } from "../processes.ts";
import { INSTALL } from "./peer-packages.ts";
import { isThere, PEERS } from "./peers.ts";
import { processorTime, since, type ProcessorTime } from "./processor-time.ts";

const PROJECT = `version: v1
functions:
  - name: answer
    on: { http: { method: POST, path: /answer, respond: true } }
    code: "{root}/packages/server/fixtures/noop.wasm"
    concurrency: 64
`;

interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly url: string;
  readonly results: LoadResult[];
  /** Of a call, by thread, one a round. */
  readonly costUs: ProcessorTime[];
}

/** Beside bare node:http, and beside the best peer of those that are installed. */
export async function calls({ rounds, seconds }: Rounds): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const contender = async (
    name: string,
    start: Promise<Server>,
    path = "/",
  ): Promise<Contender> => {
    const server = stack.use(await start);
    return { name, server, url: `${server.url}${path}`, results: [], costUs: [] };
  };
  const nexus = await contender("nexus", nexusServer({ config: PROJECT }), "/answer");
  const bare = await contender("bare node:http", bareServer());
  const peers: Contender[] = [];
  for (const peer of PEERS) {
    if (isThere(peer)) peers.push(await contender(peer.name, peer.start()));
  }
  for (const peer of peers) await sameAnswer(nexus, peer);

  const all = [bare, ...peers, nexus];
  for (const each of all) await run(each, 2); // warm before anything counts
  for (let round = 0; round < rounds; round += 1) {
    for (const each of all) await runCosted(each, seconds);
  }
  const absent = PEERS.filter((peer) => !isThere(peer)).map(({ name }) => name);
  const missing = absent.length === 0 ? "" : `; not installed (${INSTALL}): ${absent.join(", ")}`;
  return figuresOf(nexus, bare, peers, missing);
}

function figuresOf(
  nexus: Contender,
  bare: Contender,
  peers: readonly Contender[],
  missing: string,
): readonly Figure[] {
  const value = perSecond(nexus);
  const best = peers.toSorted((a, b) => perSecond(b) - perSecond(a))[0];
  return [
    {
      name: "calls through HTTP",
      value,
      unit: "calls/s",
      limit: perSecond(bare),
      limitName: bare.name,
      aim: { atLeast: 0.6 },
      note: `p99 ${p99Ms(nexus)} ms at ${CONNECTIONS} connections${missing}`,
    },
    ...peers.map((peer): Figure => ({
      name: "calls through HTTP",
      value,
      unit: "calls/s",
      limit: perSecond(peer),
      limitName: peer.name,
      ...(peer === best ? { aim: { atLeast: 2 } } : {}),
      note: `its p99 ${p99Ms(peer)} ms`,
    })),
    {
      name: "processor time of a call",
      value: cost(nexus),
      unit: "µs",
      limit: cost(bare),
      limitName: `${bare.name}, µs`,
      note: [
        `main thread ${costOf(nexus, ({ main }) => main).toFixed(0)}, guests' ${costOf(nexus, ({ guests }) => guests).toFixed(0)}, others ${costOf(nexus, ({ others }) => others).toFixed(0)}`,
        ...peers.map((peer) => `${peer.name} ${cost(peer).toFixed(0)}`),
      ].join("; "),
    },
  ];
}

/** A peer that does not do the same work is no peer. */
async function sameAnswer(nexus: Contender, peer: Contender): Promise<void> {
  const ours = await answerOf(nexus.url, KILOBYTE);
  const events = await fetch(`${nexus.server.url}/events?limit=1`);
  const {
    events: [event],
  } = (await events.json()) as { readonly events: readonly { id: string }[] };
  // What our function read was the event; the peer is sent the same bytes.
  const stdin = await (await fetch(`${nexus.server.url}/events/${event!.id}`)).text();
  const theirs = await answerOf(peer.url, stdin);
  if (theirs !== ours)
    throw new Error(`Cannot compare: ${peer.name} answers ${theirs}, not ${ours}`);
}

async function answerOf(url: string, body: string): Promise<string> {
  const headers = { "content-type": JSON_TYPE };
  return await (await fetch(url, { method: "POST", body, headers })).text();
}

function run({ url }: Contender, seconds: number): Promise<LoadResult> {
  const body = KILOBYTE;
  return load({ url, body, contentType: JSON_TYPE, connections: CONNECTIONS, seconds });
}

async function runCosted(contender: Contender, seconds: number): Promise<void> {
  const { server, results, costUs } = contender;
  const before = processorTime(server.pid);
  const result = await run(contender, seconds);
  const { main, guests, others } = since(before, processorTime(server.pid));
  const each = 1000 / (result.perSecond * seconds);
  results.push(result);
  costUs.push({ main: main * each, guests: guests * each, others: others * each });
}

function cost(contender: Contender): number {
  return costOf(contender, ({ main, guests, others }) => main + guests + others);
}

function costOf({ costUs }: Contender, part: (time: ProcessorTime) => number): number {
  return median(costUs.map(part));
}

function perSecond({ results }: Contender): number {
  return median(results.map(({ perSecond }) => perSecond));
}

function p99Ms({ results }: Contender): string {
  return median(results.map(({ p99Ms }) => p99Ms)).toFixed(1);
}
