import assert from "node:assert/strict";
import { test } from "node:test";
import { temporaryFolder } from "../../../testing/folder.ts";
import { HostChannel } from "../../guest/files/channel.ts";
import { remoteDirectory } from "../../guest/files/remote.ts";
import { testFiles } from "../../files-conformance.ts";
import { CHUNK_BYTES } from "../../files-channel.ts";
import { openHostFiles } from "./host-files.ts";

async function remoteRoot() {
  const made = await temporaryFolder();
  const files = openHostFiles([{ path: made.path, guest: "/" }]);
  return {
    directory: remoteDirectory(new HostChannel(files.passThrough.channel), 0),
    async [Symbol.asyncDispose]() {
      assert.equal(await files.close(), true);
      await made[Symbol.asyncDispose]();
    },
  };
}

testFiles("remoteDirectory() over openHostFiles()", remoteRoot);

test("remoteDirectory() reads, writes and lists more than the channel holds", async () => {
  await using root = await remoteRoot();
  const { directory } = root;
  const mode = { read: true, write: true, create: true, exclusive: true, truncate: false };
  const file = directory.openFile("large", mode);
  const bytes = new Uint8Array(2 * CHUNK_BYTES + 5).map((_, index) => index % 251);
  assert.equal(file.write(null, bytes), bytes.length);
  const read = new Uint8Array(bytes.length + 10);
  assert.equal(file.read(0n, read), bytes.length);
  assert.deepEqual(read.subarray(0, bytes.length), bytes);
  const names = Array.from({ length: 6000 }, (_, index) => `${index}-`.padEnd(200, "x")).sort();
  for (const name of names) directory.createDirectory(name);
  directory.unlink("large");
  const listed = directory.entries().map(({ name }) => name);
  assert.deepEqual(listed.sort(), names);
});
