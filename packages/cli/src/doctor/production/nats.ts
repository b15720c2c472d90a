import { isLoopback } from "@nexus-functions/server/core/loopback";
import { parseNatsServer, type NatsOptions } from "@nexus-functions/server/core/nats";
import { atLeast, SYNC_ALWAYS_VERSION } from "@nexus-functions/server/core/nats-version";
import { bad, doubtful, good, type Check, type Verdict } from "./check.ts";
import type { Setup } from "./setup.ts";

/** Where the log is in NATS. */
export const NATS_CHECKS: readonly Check[] = [
  { name: "nats-version", wants: "a nats-server that can sync each write", look: version },
  { name: "nats-credentials", wants: "NATS asks who one is", look: credentials },
  { name: "nats-tls", wants: "the way to NATS is encrypted", look: tls },
  { name: "nats-replicas", wants: "three copies or more, on as many servers", look: replicas },
];

function version({ natsFound }: Setup): Verdict | undefined {
  if (natsFound === undefined) return undefined;
  return atLeast(natsFound.version, SYNC_ALWAYS_VERSION)
    ? good(`${natsFound.version}; see that its jetstream block says \`sync_interval: always\``)
    : doubtful(
        `${natsFound.version} syncs every two minutes, and no more often`,
        `Take ${SYNC_ALWAYS_VERSION} or newer, with \`sync_interval: always\`: docs/nats.md.`,
      );
}

function credentials({ nats, natsFound }: Setup): Verdict | undefined {
  if (nats === undefined) return undefined;
  const given =
    nats.auth.kind !== "none" ||
    nats.servers.some((server) => parseNatsServer(server).secret !== undefined);
  if (given) return good("given");
  if (natsFound?.asksWho === true) return good("the server asks for some: a certificate is shown");
  const remedy = "Have NATS ask for credentials, and set `nats.credentials`: docs/nats.md.";
  return isLocal(nats)
    ? doubtful("none: whoever is on this machine may change every event", remedy)
    : bad("none: whoever reaches NATS may read and change every event", remedy);
}

function tls({ nats }: Setup): Verdict | undefined {
  if (nats === undefined) return undefined;
  if (nats.tls !== undefined || nats.servers.some((server) => parseNatsServer(server).tls)) {
    return good("asked for");
  }
  return isLocal(nats)
    ? good("not asked for: NATS is on this machine")
    : doubtful(
        "not asked for: events can be read on the way, unless the network is encrypted",
        "Set `nats.tls`, and `tls` in the configuration of NATS.",
      );
}

function isLocal({ servers }: NatsOptions): boolean {
  return servers.every((server) =>
    isLoopback(parseNatsServer(server).address.replace(/:\d+$/, "")),
  );
}

const COPIES = 3;

function replicas({ nats, natsFound }: Setup): Verdict | undefined {
  if (nats === undefined || natsFound === undefined) return undefined;
  const { replicas: asked } = nats;
  if (natsFound.cluster === undefined) {
    return doubtful(
      "one copy: NATS is one server, and its disk is all there is",
      "Run a cluster of three, or export often: docs/backup.md.",
    );
  }
  if (asked !== undefined && asked < COPIES) {
    return bad(
      `\`replicas: ${asked}\`: the loss of one server stops the log, or takes it along`,
      "Set `nats.replicas` to 3, or leave it out.",
    );
  }
  return good(`${asked ?? COPIES} copies in the cluster "${natsFound.cluster}"`);
}
