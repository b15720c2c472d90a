// Of `npm run test:image`: builds the images before the first test file, and removes them after the last one.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shareImages } from "./images.ts";

let remove: (() => Promise<void>) | undefined;

export async function globalSetup(): Promise<void> {
  remove = await shareImages(await mkdtemp(join(tmpdir(), "nexus-images-")));
}

export async function globalTeardown(): Promise<void> {
  await remove?.();
}
