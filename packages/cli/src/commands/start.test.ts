import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { startNexus } from "../testing/nexus.ts";
import { HELLO, project } from "../testing/project.ts";

test(
  "nexus start ends with 0 on SIGTERM, soon even where the collector of traces never answers",
  { timeout: 60_000 },
  async () => {
    const sockets: Socket[] = [];
    const hole = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
    hole.listen(0, "127.0.0.1");
    await once(hole, "listening");
    const collector = `http://127.0.0.1:${(hole.address() as AddressInfo).port}`;
    try {
      await using folder = await project(HELLO);
      await using running = startNexus(["start", "--host", "127.0.0.1", "--port", "0"], {
        cwd: folder.path,
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_BSP_SCHEDULE_DELAY: "1" },
      });
      const [, url] = await running.shows(/"url":"([^"]+)"/);
      const connected = once(hole, "connection");
      const { status } = await fetch(`${url}/events/a`, { method: "POST" });
      assert.equal(status, 202);
      await connected;
      const begun = performance.now();
      running.child.kill("SIGTERM");
      const { code } = await running.ended();
      const took = performance.now() - begun;
      assert.equal(code, 0);
      assert.ok(took < 6000, `${took} ms`); // an export may take 10 s
      assert.match(running.text, /"message":"Stopped"/);
    } finally {
      for (const socket of sockets) socket.destroy();
      hole.close();
    }
  },
);
