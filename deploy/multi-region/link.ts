// Has one region's event log fed with another region's events, and keeps a copy of the other's streams beside it:
//   npx node deploy/multi-region/link.ts --nats <url here> --here <prefix> --from <prefix> --domain <domain there>
// It may be run again; --unlink takes the feed away, and leaves copies as they are.
import { parseArgs } from "node:util";
import {
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StreamSource,
} from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Those whose history is worth a copy. Leases are of this minute, and the inbox is no log. */
const COPIED = ["EVENTS", "RECORDS", "DEAD", "RETRIES"] as const;

const { values } = parseArgs({
  options: {
    nats: { type: "string", default: "nats://127.0.0.1:4222" },
    here: { type: "string" },
    from: { type: "string" },
    domain: { type: "string" },
    types: { type: "string", default: "*" },
    copy: { type: "boolean", default: false },
    unlink: { type: "boolean", default: false },
  },
});
const { nats, here, from, domain, types, copy, unlink } = values;
if (here === undefined || from === undefined || domain === undefined) {
  throw new Error("Cannot link regions: --here, --from and --domain are needed");
}

const { host, username, password } = new URL(nats);
const connection = await connect({
  servers: host,
  ...(username === ""
    ? {}
    : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
});
try {
  const manager = await jetstreamManager(connection);
  await feed(manager);
  if (copy) for (const kind of COPIED) await mirror(manager, streamName(from, kind));
} finally {
  await connection.close();
}

/** The inbox takes the other log's events as it takes what any program publishes. */
async function feed({ streams }: JetStreamManager): Promise<void> {
  const inbox = streamName(here!, "INBOX");
  const { config } = await streams.info(inbox).catch((cause: unknown) => {
    throw new Error(`Cannot link regions: start nexus with prefix "${here}" first`, { cause });
  });
  const name = streamName(from!, "EVENTS");
  const others = (config.sources ?? []).filter((source) => source.name !== name);
  // Behind `_` are the events for everybody: those addressed to one function, ticks among them, stay at home.
  const filter_subject = `${from}.ev._.*.*.${types === "*" ? ">" : types}`;
  const source = { ...there(name), filter_subject };
  await streams.update(inbox, { sources: unlink ? others : [...others, source] });
  process.stdout.write(`${inbox} ${unlink ? "leaves" : "takes"} ${filter_subject} of ${domain}\n`);
}

async function mirror({ streams }: JetStreamManager, name: string): Promise<void> {
  try {
    await streams.add({ name, mirror: there(name), allow_direct: true });
    process.stdout.write(`${name} is copied from ${domain}\n`);
  } catch (error) {
    const exists = error instanceof JetStreamApiError && error.code === 10_058;
    if (!exists || (await streams.info(name)).config.mirror === undefined) throw error;
    process.stdout.write(`${name} is a copy already\n`);
  }
}

function there(name: string): StreamSource {
  return { name, external: { api: `$JS.${domain}.API`, deliver: "" } };
}

function streamName(prefix: string, kind: string): string {
  return `${prefix.toUpperCase()}_${kind}`;
}
