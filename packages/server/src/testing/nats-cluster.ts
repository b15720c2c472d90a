// A NATS cluster on loopback: real nats-servers, each a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { startNats, type TestNats, type TestNatsOptions } from "./nats.ts";
import { quietPorts } from "./ports.ts";

export interface TestNatsCluster extends AsyncDisposable {
  readonly nodes: readonly TestNats[];
  readonly urls: readonly string[];
  /** The node that leads this stream; waits while there is none. */
  leaderOf(stream: string): Promise<TestNats>;
  /** Resolves when all nodes that run agree on a leader, and it has heard from every one of the cluster lately. */
  whole(): Promise<void>;
}

const POLL_MS = 50;

/** Starts `size` nats-servers that know each other; resolves when JetStream has a leader and all nodes follow it. */
export async function startNatsCluster(
  size: number,
  options: TestNatsOptions = {},
): Promise<TestNatsCluster> {
  await using opened = new AsyncDisposableStack();
  const ports = await quietPorts(size);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  const nodes = await Promise.all(
    ports.map(async (port, index) => {
      const node = await startNats({
        ...options,
        monitoring: true,
        extra: {
          ...options.extra,
          server_name: nameOf(index),
          cluster: { name: "test", listen: `127.0.0.1:${port}`, routes },
        },
      });
      return opened.use(node);
    }),
  );
  await whole();
  const resources = opened.move();

  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    whole,
    async leaderOf(stream) {
      for (;;) {
        for (const node of nodes) {
          const jsz = await jetStreamOf(node);
          const streams = jsz?.account_details?.flatMap(({ stream_detail }) => stream_detail ?? []);
          const leader = streams?.find(({ name }) => name === stream)?.cluster?.leader;
          const found = nodes.findIndex((_, index) => nameOf(index) === leader);
          // The one that leads says so itself; what others say may be of the past.
          if (found !== -1 && nodes[found] === node) return node;
        }
        await delay(POLL_MS);
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };

  async function whole(): Promise<void> {
    for (;;) {
      const clusters = await Promise.all(
        nodes.map(async (node) => (await jetStreamOf(node))?.meta_cluster),
      );
      const running = clusters.filter((cluster) => cluster !== undefined);
      const leaders = new Set(running.map(({ leader }) => leader ?? ""));
      const replicas = running.find(({ replicas }) => replicas !== undefined)?.replicas ?? [];
      if (
        leaders.size === 1 &&
        !leaders.has("") &&
        replicas.length === size - 1 &&
        replicas.filter(({ current, offline }) => current && offline !== true).length >=
          running.length - 1
      ) {
        return;
      }
      await delay(POLL_MS);
    }
  }
}

function nameOf(index: number): string {
  return `n${index + 1}`;
}

/** What GET /jsz says, as far as it is read here. */
interface JetStreamStatus {
  readonly meta_cluster?: {
    readonly leader?: string;
    /** What the leader alone tells. */
    readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
  };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
    }[];
  }[];
}

/** Nothing where the node does not answer. */
async function jetStreamOf(node: TestNats): Promise<JetStreamStatus | undefined> {
  try {
    const response = await fetch(`${node.monitoringUrl}/jsz?accounts=true&streams=true`, {
      signal: AbortSignal.timeout(1000),
    });
    return (await response.json()) as JetStreamStatus;
  } catch {
    return undefined;
  }
}
