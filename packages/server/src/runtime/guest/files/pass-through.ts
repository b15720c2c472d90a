import type { PassThrough } from "../../files-channel.ts";
import type { Granted } from "../wasi/descriptors.ts";
import { HostChannel } from "./channel.ts";
import { processStream } from "./process-streams.ts";
import { remoteDirectory } from "./remote.ts";

/** What a run begins with that stands in the process's own place. */
export function passedThrough({ channel, streams, directories }: PassThrough): Granted {
  const host = new HostChannel(channel);
  return {
    preopens: directories.map((name, handle) => ({
      name,
      directory: remoteDirectory(host, handle),
    })),
    streams: {
      stdin: processStream(host, 0, streams[0]),
      stdout: processStream(host, 1, streams[1]),
      stderr: processStream(host, 2, streams[2]),
    },
  };
}
