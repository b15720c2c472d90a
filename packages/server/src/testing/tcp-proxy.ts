// A way over the network that can be cut and healed.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open through it. */
  readonly connections: number;
  /**
   * `"silent"` is a partition: what is open stays open, new connections are taken, and nothing comes through in
   * either direction. `"reset"`: what is open breaks, and what comes is broken at once.
   */
  cut(how: "silent" | "reset"): void;
  /** What was sent into a silent cut arrives now, as TCP would send it again. */
  heal(): void;
}

/** A TCP proxy on loopback, on any free port, to `target` on loopback. */
export async function tcpProxy(target: number): Promise<TcpProxy> {
  let state: "open" | "silent" | "reset" = "open";
  const pairs = new Set<readonly [Socket, Socket]>();
  /** Taken during a silent cut: as far as their clients know, on the way. */
  const held = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (client) => {
    if (state === "open") serve(client);
    else if (state === "reset") client.resetAndDestroy();
    else held.add(client.on("error", () => undefined).on("close", () => held.delete(client)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    cut(how) {
      state = how;
      for (const pair of pairs) {
        for (const socket of pair) {
          // The kernel keeps what comes for a paused socket; then its sender's window is full.
          if (how === "silent") socket.pause();
          else socket.resetAndDestroy();
        }
      }
    },
    heal() {
      state = "open";
      for (const pair of pairs) {
        const broken = pair.some((socket) => socket.destroyed);
        for (const socket of pair) {
          if (broken) socket.destroy();
          else socket.resume();
        }
      }
      for (const client of held) serve(client);
      held.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...held, ...[...pairs].flat()]) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };

  function serve(client: Socket): void {
    const upstream = connect(target, "127.0.0.1");
    const pair = [client, upstream] as const;
    pairs.add(pair);
    join(client, upstream);
    join(upstream, client);

    function join(from: Socket, to: Socket): void {
      from.on("data", (chunk: Uint8Array) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => {
        if (state === "open") from.resume();
      });
      from.on("end", () => to.end());
      from.on("error", () => undefined); // "close" comes after it
      from.on("close", () => {
        if (state === "silent") return; // the other side cannot know yet
        pairs.delete(pair);
        to.destroy();
      });
      from.resume();
    }
  }
}
