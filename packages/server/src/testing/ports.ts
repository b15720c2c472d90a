import { once } from "node:events";
import { connect, createServer } from "node:net";

// Below what Linux (from 32768) and macOS (from 49152) give to outgoing connections: while a server is down, its
// port must not go to one of them, least of all to a client that tries to reach that very port.
const FIRST = 20_000;
const LAST = 32_000;

/** This many ports of loopback that nobody listens on, and that no outgoing connection will be given. */
export async function quietPorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

/** Whether something on loopback takes connections on the port of this URL. */
export async function listens(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
