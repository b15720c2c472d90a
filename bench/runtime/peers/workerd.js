// The worker under workerd: the same C module as ours, a fresh instance for each request, over as much
// of WASI as it asks for. JavaScript, because workerd takes nothing else.
import noop from "noop.wasm";

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NOT_SEEKABLE = 70;
const CHARACTER_DEVICE = 2;

class Exit extends Error {}

function answer(stdin) {
  let at = 0;
  let memory;
  const output = [];
  const words = () => new DataView(memory.buffer);

  const wasi_snapshot_preview1 = {
    fd_read(fd, vectors, count, readAt) {
      if (fd !== 0) return BAD_DESCRIPTOR;
      const view = words();
      const before = at;
      for (let index = 0; index < count; index += 1) {
        const pointer = view.getUint32(vectors + index * 8, true);
        const length = view.getUint32(vectors + index * 8 + 4, true);
        const chunk = stdin.subarray(at, at + length);
        new Uint8Array(memory.buffer, pointer, length).set(chunk);
        at += chunk.length;
      }
      view.setUint32(readAt, at - before, true);
      return SUCCESS;
    },
    fd_write(fd, vectors, count, writtenAt) {
      if (fd !== 1 && fd !== 2) return BAD_DESCRIPTOR;
      const view = words();
      let written = 0;
      for (let index = 0; index < count; index += 1) {
        const pointer = view.getUint32(vectors + index * 8, true);
        const length = view.getUint32(vectors + index * 8 + 4, true);
        if (fd === 1) output.push(new Uint8Array(memory.buffer.slice(pointer, pointer + length)));
        written += length;
      }
      view.setUint32(writtenAt, written, true);
      return SUCCESS;
    },
    fd_fdstat_get(fd, statAt) {
      if (fd > 2) return BAD_DESCRIPTOR;
      new Uint8Array(memory.buffer, statAt, 24).fill(0);
      words().setUint8(statAt, CHARACTER_DEVICE);
      return SUCCESS;
    },
    fd_seek: () => NOT_SEEKABLE,
    fd_close: () => SUCCESS,
    proc_exit(code) {
      throw new Exit(`exit code ${code}`);
    },
  };

  const { exports } = new WebAssembly.Instance(noop, { wasi_snapshot_preview1 });
  memory = exports.memory;
  try {
    exports._start();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  }
  return output.length === 1 ? output[0] : joined(output);
}

function joined(chunks) {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

// oxlint-disable-next-line import/no-default-export -- what workerd calls a worker is the default export
export default {
  async fetch(request) {
    const body = answer(new Uint8Array(await request.arrayBuffer()));
    return new Response(body, { headers: { "content-type": "application/json" } });
  },
};
