// GitHub's workflows as data, and what is wrong with one that actionlint has no eye for.
import { readdir, readFile } from "node:fs/promises";
import { parse } from "yaml";
import { inRepository } from "./manifest.ts";

export interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Permissions;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Job {
  readonly if?: string;
  readonly permissions?: Permissions;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

type Permissions = Readonly<Record<string, string>>;

/** What a job may write, by file and job; all others may read the source and no more. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  "ci-cd.yml security": ["security-events"],
  "ci-cd.yml image": ["packages", "id-token"],
  "ci-cd.yml release": ["contents", "id-token"],
  "dependency-update.yml propose": ["contents", "pull-requests"],
};
/** GitHub gives these to no fork's run, whatever a workflow asks for. */
const HARMLESS_IN_FORKS = ["security-events"];
const ONLY_AFTER_MERGE = /github\.event_name == 'push'|startsWith\(github\.ref, 'refs\/tags\/v'\)/;
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

export async function readWorkflows(): Promise<readonly Workflow[]> {
  const folder = inRepository(".github/workflows");
  const files = (await readdir(folder)).sort();
  return Promise.all(
    files.map(async (file) => parseWorkflow(file, await readFile(`${folder}/${file}`, "utf8"))),
  );
}

export function parseWorkflow(file: string, text: string): Workflow {
  return { ...(parse(text) as Omit<Workflow, "file" | "text">), file, text };
}

export function workflowProblems(workflow: Workflow): string[] {
  const problems = [...pinProblems(workflow)];
  for (const trigger of ["pull_request_target", "workflow_run"]) {
    if (trigger in workflow.on) problems.push(`${trigger} runs a fork's code with secrets`);
  }
  if (/\bsecrets\s*[.[]/.test(workflow.text)) problems.push("a secret is named");
  if (Object.keys(workflow.permissions ?? { all: "" }).length > 0) {
    problems.push("permissions: at the top it is {}, and each job says its own");
  }
  if (workflow.concurrency === undefined) problems.push("there is no concurrency group");
  for (const [name, job] of Object.entries(workflow.jobs)) {
    problems.push(...jobProblems(workflow, name, job).map((problem) => `${name}: ${problem}`));
  }
  return problems;
}

function pinProblems({ text }: Workflow): string[] {
  const problems: string[] = [];
  const pins = new Map<string, string>();
  for (const [, pin] of text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)) {
    if (!PINNED.test(pin!)) problems.push(`"${pin}" is not pinned by commit with its version`);
    const [action, commit] = pin!.split("@");
    if (pins.has(action!) && pins.get(action!) !== commit) {
      problems.push(`"${action}" has two versions`);
    }
    pins.set(action!, commit!);
  }
  return problems;
}

function jobProblems({ file, on }: Workflow, name: string, job: Job): string[] {
  const problems: string[] = [];
  if (job.permissions === undefined) problems.push("it has no permissions of its own");
  const allowed = WRITES[`${file} ${name}`] ?? [];
  const isForMerged = !("pull_request" in on) || ONLY_AFTER_MERGE.test(job.if ?? "");
  for (const [scope, access] of Object.entries(job.permissions ?? {})) {
    if (access === "read" && scope === "contents") continue;
    if (!allowed.includes(scope)) problems.push(`it may not ${access} ${scope}`);
    if (!isForMerged && !HARMLESS_IN_FORKS.includes(scope)) {
      problems.push(`it has ${scope} in a pull request`);
    }
  }
  if (job["timeout-minutes"] === undefined) problems.push("it has no time limit");
  for (const { name: step, run, uses, with: inputs } of job.steps) {
    if (run?.includes("${{")) problems.push(`"${step}" puts an expression into a shell`);
    if (run !== undefined && step === undefined) problems.push(`"${run}" has no name`);
    if (uses?.startsWith("actions/checkout@") && inputs?.["persist-credentials"] !== false) {
      problems.push("a checkout leaves its token behind");
    }
  }
  return problems;
}
