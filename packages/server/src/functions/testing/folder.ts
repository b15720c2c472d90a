import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The smallest module there is: the magic and the version. */
export const EMPTY_MODULE = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

/** A module that differs for every `tag`: it carries the tag in a custom section. */
export function taggedModule(tag: string): Uint8Array {
  const name = new TextEncoder().encode(tag);
  return new Uint8Array([...EMPTY_MODULE, 0, name.length + 1, name.length, ...name]);
}

export interface Folder extends AsyncDisposable {
  readonly path: string;
  at(name: string): string;
  write(name: string, content: string | Uint8Array): Promise<void>;
}

/** A temporary folder with these files in it. */
export async function folderWith(
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "nexus-functions-"));
  const folder: Folder = {
    path,
    at: (name) => join(path, name),
    async write(name, content) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
  for (const [name, content] of Object.entries(files)) await folder.write(name, content);
  return folder;
}
