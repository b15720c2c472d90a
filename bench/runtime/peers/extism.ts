// Extism's JavaScript SDK behind node:http: the same C function as a plugin, a fresh one for each
// request on a module compiled once, without WASI. `Plugin.reset` would be faster, and is no way to
// isolate: it clears the host's side and leaves the guest's memory as the last call left it.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { peer } from "../peer-packages.ts";

interface Plugin {
  call(name: string, input: Uint8Array): Promise<{ bytes(): Uint8Array } | null>;
  close(): Promise<void>;
}

interface Sdk {
  createPlugin(manifest: {
    readonly wasm: readonly { readonly module: WebAssembly.Module }[];
  }): Promise<Plugin>;
}

const sdk = peer("@extism/extism") as Sdk;
const path = new URL("../modules/noop-extism.wasm", import.meta.url);
const module = await WebAssembly.compile(new Uint8Array(readFileSync(path)));
const manifest = { wasm: [{ module }] };

async function answer(event: Uint8Array): Promise<Uint8Array> {
  const plugin = await sdk.createPlugin(manifest);
  try {
    const output = await plugin.call("handle", event);
    if (output === null) throw new Error("The plugin gave no output");
    return output.bytes();
  } finally {
    await plugin.close();
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    void answer(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).then((body) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      response.writeHead(200, headers);
      response.end(body);
    });
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}`);
});
process.on("SIGTERM", () => process.exit(0));
