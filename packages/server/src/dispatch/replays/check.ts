import { NexusError } from "../../core/errors.ts";
import type { Against, Live, ReplayRequest } from "../../core/replay-job.ts";
import type { Functions, VersionArchive } from "../../functions/functions.ts";
import type { Reruns } from "../rerun.ts";

export interface CheckDeps {
  readonly functions: Functions;
  readonly versions: VersionArchive;
  readonly reruns: Reruns;
}

/**
 * What the job is to run on, by its whole name, after it was loaded once. VERSION_NOT_FOUND,
 * CANDIDATE_INVALID, REQUEST_INVALID where no one version of that function is meant, and FUNCTION_NOT_FOUND
 * where it is to run live and is not in service.
 */
export async function checkedAgainst(
  request: ReplayRequest,
  deps: CheckDeps,
): Promise<Against | Live> {
  if ("live" in request.against) {
    const { function: name, against } = request;
    if (deps.functions.get(name) !== undefined) return against;
    throw new NexusError(
      "FUNCTION_NOT_FOUND",
      `Cannot replay "${name}" live: no function of that name is in service`,
    );
  }
  const against = await deps.reruns.candidates.resolve(request.against);
  await ("version" in against
    ? checkVersion(against.version, request, deps)
    : checkModule(against, request, deps));
  return against;
}

async function checkVersion(
  version: string,
  { function: name }: ReplayRequest,
  { reruns }: CheckDeps,
): Promise<void> {
  const candidate = await reruns.candidates.get(version);
  if (candidate.version.name !== name) {
    throw new NexusError(
      "REQUEST_INVALID",
      `Cannot replay "${name}" on version "${version}": that is one of "${candidate.version.name}"`,
    );
  }
  await reruns.load(candidate);
}

async function checkModule(
  against: Extract<Against, { readonly module_sha256: string }>,
  { function: name }: ReplayRequest,
  { functions, versions, reruns }: CheckDeps,
): Promise<void> {
  const { module_sha256: module } = against;
  if (!(await versions.hasModule(module))) {
    throw new NexusError(
      "VERSION_NOT_FOUND",
      `Cannot replay "${name}" on module "${module}": it is not here (send it to POST /replays/modules)`,
    );
  }
  // Of one that is not in service, the settings are known with the first run.
  const served = functions.get(name);
  if (served !== undefined) {
    await reruns.load(await reruns.candidates.of(against, served.version));
  }
}
