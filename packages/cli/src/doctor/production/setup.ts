import type { ServerConfig } from "@nexus-functions/server/config";
import type { NatsOptions } from "@nexus-functions/server/core/nats";
import type { Project } from "@nexus-functions/server/functions/project";
import type { NatsFound } from "../nats.ts";
import type { DataDir } from "./data-dir.ts";
import type { Machine } from "./machine.ts";
import type { Served } from "./served.ts";
import type { TokensFound } from "./tokens.ts";

/** All that the checks look at: what `nexus start` would read here, and what answers at the URL. */
export interface Setup {
  readonly config: ServerConfig;
  readonly tokens: TokensFound;
  /** Undefined: there is none here, or it cannot be read. */
  readonly project: Pick<Project, "platform" | "functions"> | undefined;
  /** Undefined: the log is the embedded one. */
  readonly nats: NatsOptions | undefined;
  /** Undefined: it cannot be reached. */
  readonly natsFound: NatsFound | undefined;
  readonly machine: Machine;
  readonly dataDir: DataDir;
  /** Undefined: nobody answers. */
  readonly served: Served | undefined;
  /** Where the server is asked. */
  readonly url: string;
  /** Of this command. */
  readonly version: string;
}
