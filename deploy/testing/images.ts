// The images that tests run, built once for all test files of a run.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { inRepository } from "./manifest.ts";
import { makeNatsImage } from "./nats-image.ts";
import { makeNodeImage } from "./node-image.ts";
import { openWorkshop, type Store } from "./store.ts";
import { needContainerTools } from "./tools.ts";

/** The project's Dockerfile, built as VERSION of COMMIT. */
export const NEXUS_IMAGE = "localhost/nexus-functions:test";
export const VERSION = "1.2.3";
export const COMMIT = "0123abc";
/** The stand-in for NATS' image. */
export const NATS_IMAGE = "localhost/nats:test";

/** Where `buildImages` put them, for all test files of the run. */
const FOLDER = "NEXUS_TEST_IMAGES";

/** Resolves when the store has these images; builds them where the run has not done so before. */
export async function loadImages(store: Store, ...names: readonly string[]): Promise<void> {
  const shared = process.env[FOLDER];
  const folder = shared ?? join(store.scratch, "images");
  if (shared === undefined) await buildImages(folder);
  for (const name of names) await store.podman("load", "--quiet", "--input", archive(folder, name));
}

/** Builds them all into archives in this folder. */
export async function buildImages(folder: string): Promise<void> {
  await needContainerTools();
  await mkdir(folder, { recursive: true });
  await using workshop = await openWorkshop();
  await makeNodeImage(workshop);
  await workshop.buildah(
    "bud",
    "--isolation=chroot",
    "--pull-never",
    "--format=docker",
    "--target=runtime",
    `--build-arg=VERSION=${VERSION}`,
    `--build-arg=COMMIT=${COMMIT}`,
    "-t",
    NEXUS_IMAGE,
    inRepository(""),
  );
  await makeNatsImage(workshop, NATS_IMAGE);
  for (const name of [NEXUS_IMAGE, NATS_IMAGE]) {
    const file = archive(folder, name);
    await workshop.buildah("push", "--quiet", name, `docker-archive:${file}:${name}`);
  }
}

/** For all test files that this process starts from now on; the result takes it back. */
export async function shareImages(folder: string): Promise<() => Promise<void>> {
  await buildImages(folder);
  process.env[FOLDER] = folder;
  return () => rm(folder, { recursive: true, force: true });
}

function archive(folder: string, name: string): string {
  return join(folder, `${name.replaceAll(/\W/g, "-")}.tar`);
}
