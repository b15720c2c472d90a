// An Ingress before a server, as ingress-nginx would set nginx up: a real nginx on loopback, with a certificate.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request as plainRequest, type IncomingMessage } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import { certificatesIn } from "@nexus-functions/server/testing/certificates";
import { temporaryFolder } from "@nexus-functions/server/testing/folder";
import { listens, quietPorts } from "@nexus-functions/server/testing/ports";
import { until } from "@nexus-functions/server/testing/until";
import { nginxConf } from "./ingress-nginx.ts";
import type { Labels, Manifest } from "./manifest.ts";
import { needPackages } from "./tools.ts";

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Without TLS. */
  readonly plain?: boolean;
  /** The client's address; 127.0.0.1 unless said otherwise. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

export interface Door extends AsyncDisposable {
  /** Resolves with the whole answer. */
  ask(path: string, options?: Ask): Promise<Answer>;
  /** Resolves when the head of the answer is there; its body is the caller's to read or to destroy. */
  open(path: string, options?: Ask): Promise<IncomingMessage>;
}

// Debian has nginx where only root looks.
const ENVIRONMENT = { PATH: `${process.env["PATH"]}:/usr/sbin` };

/** Resolves when there is an nginx on this machine; as `needPackages` does. */
export async function needNginx(): Promise<void> {
  const { status } = spawnSync("nginx", ["-v"], { env: ENVIRONMENT });
  if (status !== 0) await needPackages("nginx-light");
}

/** Resolves when nginx takes connections for the server at `url`. Rejects with its log where it does not start. */
export async function openDoor(ingress: Manifest, url: string): Promise<Door> {
  const folder = await temporaryFolder();
  try {
    return await start(ingress, url, folder);
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** The Ingress with some annotations set anew, named without the controller's prefix. */
export function withAnnotations(ingress: Manifest, changes: Labels): Manifest {
  const set = Object.entries(changes).map(([name, value]) => [
    `nginx.ingress.kubernetes.io/${name}`,
    value,
  ]);
  const annotations = { ...ingress.metadata.annotations, ...Object.fromEntries(set) };
  return { ...ingress, metadata: { ...ingress.metadata, annotations } };
}

async function start(
  ingress: Manifest,
  url: string,
  folder: AsyncDisposable & { readonly path: string },
): Promise<Door> {
  const { host } = (ingress.spec as { readonly rules: readonly { readonly host: string }[] })
    .rules[0]!;
  const certificates = await certificatesIn(folder.path, host);
  const [httpPort, httpsPort] = (await quietPorts(2)) as [number, number];
  const place = {
    folder: folder.path,
    httpPort,
    httpsPort,
    upstream: new URL(url).host,
    certificate: certificates.serverCert,
    key: certificates.serverKey,
  };
  const file = `${folder.path}/nginx.conf`;
  await writeFile(file, nginxConf(ingress, place));
  const nginx = spawn("nginx", ["-p", folder.path, "-c", file, "-g", "daemon off;"], {
    env: ENVIRONMENT,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(nginx, "close");
  try {
    await accepts(nginx, httpsPort);
  } catch (error) {
    nginx.kill("SIGTERM");
    throw error;
  }
  const agent = new Agent({
    ca: await readFile(certificates.ca),
    keepAlive: true,
    maxSockets: 64,
  });
  const send = (path: string, options: Ask): Promise<IncomingMessage> => {
    const { method = "GET", headers = {}, body, plain = false, from } = options;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const target = {
      host: "127.0.0.1",
      path,
      method,
      headers: { host, ...headers },
      ...(from === undefined ? {} : { localAddress: from }),
    };
    const request = plain
      ? plainRequest({ ...target, port: httpPort }, resolve)
      : tlsRequest({ ...target, port: httpsPort, servername: host, agent }, resolve);
    request.on("error", reject);
    request.end(body);
    return promise;
  };
  return {
    open: (path, options = {}) => send(path, options),
    async ask(path, options = {}) {
      const answer = await send(path, options);
      const text = Buffer.concat(await answer.toArray()).toString();
      return { status: answer.statusCode!, headers: answer.headers, text };
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      nginx.kill("SIGTERM");
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function accepts(nginx: ChildProcess, port: number): Promise<void> {
  let complaint = "";
  nginx.stderr!.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const failed = Promise.race([
    once(nginx, "close").then(() => complaint),
    once(nginx, "error").then(([error]) => String(error)),
  ]).then((why) => {
    throw new Error(`Cannot start nginx: ${why}`);
  });
  await Promise.race([failed, until(() => listens(`http://127.0.0.1:${port}`))]);
  failed.catch(() => undefined);
}
