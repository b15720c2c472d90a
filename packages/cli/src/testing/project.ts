import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FIXTURES, temporaryFolder, type Folder } from "./nexus.ts";

/** A folder with a nexus.yaml whose functions run modules of fixtures/. */
export async function project(functions: string): Promise<Folder> {
  const folder = await temporaryFolder();
  await writeProject(folder.path, functions);
  return folder;
}

/** `{probe}` stands for the path of the module of probe.c, `{order}` of the one of traps/assembly/order.ts. */
export async function writeProject(path: string, functions: string): Promise<void> {
  const yaml = `version: v1\nfunctions:\n${functions}`
    .replaceAll("{probe}", `${FIXTURES}probe.wasm`)
    .replaceAll("{order}", `${FIXTURES}traps/order.wasm`);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "nexus.yaml"), yaml);
}

export const HELLO = `  - name: hello
    on: { event: com.example.* }
    code: "{probe}"
    env: { OUTPUT: '{"greeting":"Hello"}' }
`;
