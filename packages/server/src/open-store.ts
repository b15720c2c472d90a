import { hostname } from "node:os";
import { join } from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import type { NatsOptions } from "./core/nats.ts";
import type { EventLog } from "./log/log.ts";
import { openLog } from "./log/open.ts";
import type { Logger } from "./telemetry/telemetry.ts";

/** The log, and the connection it stands on where that is NATS. */
export interface OpenStore extends AsyncDisposable {
  readonly log: EventLog;
  readonly nats?: { readonly connection: NatsConnection; readonly options: NatsOptions };
}

/**
 * Opens the log that the configuration asks for: embedded in the data directory, or on NATS. What only
 * one of them needs is loaded for that one. Rejects as the drivers and `connectNats` do.
 */
export async function openStore(
  nats: NatsOptions | undefined,
  { dataDir, logger }: { readonly dataDir: string; readonly logger: Logger },
): Promise<OpenStore> {
  if (nats === undefined) {
    const log = await openLog({ driver: "embedded", dir: join(dataDir, "log") });
    return { log, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() };
  }
  const { connectNats } = await import("./nats/connect.ts");
  const connection = await connectNats(nats, {
    logger,
    name: `nexus ${hostname()} ${process.pid}`,
  });
  try {
    const { prefix, replicas, ackWaitMs } = nats;
    const log = await openLog({
      driver: "nats",
      connection,
      prefix,
      ackWaitMs,
      ...(replicas === undefined ? {} : { replicas }),
    });
    return {
      log,
      nats: { connection, options: nats },
      async [Symbol.asyncDispose]() {
        await log[Symbol.asyncDispose]();
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
