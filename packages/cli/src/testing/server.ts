import { startNexus, type RunningNexus } from "./nexus.ts";
import { project } from "./project.ts";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly dir: string;
  readonly dev: RunningNexus;
}

/** `nexus dev` on a project of these functions. */
export async function devServer(
  functions: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const folder = await project(functions);
  const dev = startNexus(["dev", "--port", "0", "--ephemeral"], { cwd: folder.path, env });
  const [, url] = await dev.shows(/(http:\/\/127\.0\.0\.1:\d+)[^]*Ctrl-C stops/);
  return {
    url: url!,
    dir: folder.path,
    dev,
    async [Symbol.asyncDispose]() {
      await dev[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
