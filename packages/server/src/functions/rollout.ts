import type { FunctionVersion } from "../core/function.ts";
import { sha256 } from "../core/ids.ts";
import type { Deployment, Marked, ProjectFiles, SharedFunction } from "./shared.ts";

/** A node's wish: to deploy this version, or to take its function out. */
export interface Wish {
  readonly want: Deployment | { readonly kind: "removed" };
  /**
   * `start`: a node found it in its files when it started, and does not know whether that is new.
   * `change`: somebody changed the files of a running node.
   */
  readonly why: "start" | "change";
}

export interface Deployer {
  readonly node: string;
  /** Names one deployment: with another name the same version counts as new again. */
  readonly deployId?: string;
}

/** `superseded`: the cluster had it before, and something else since. */
export type Verdict =
  | { readonly kind: "same" | "superseded" }
  | { readonly kind: "write"; readonly next: Marked };

/** As many deployments of one function are remembered. */
const MAX_MARKS = 100;

/** What a deployment is known by ever after. */
export function markOf({ version }: Deployment, { deployId }: Deployer): string {
  return withId(version.version, deployId);
}

function withId(content: string, deployId: string | undefined): string {
  return deployId === undefined ? content : `${content}@${deployId}`;
}

/**
 * What becomes of a wish. A change always counts. What a node starts with counts where the cluster has
 * never seen it: a node with old files that starts again must not roll back what was deployed since.
 */
export function judge({ want, why }: Wish, now: SharedFunction, by: Deployer): Verdict {
  const { state } = now;
  if (state.kind === "unreadable" && why === "start") return { kind: "superseded" };
  const marks = "marks" in state ? state.marks : [];
  const { node } = by;
  if (want.kind === "removed") {
    if (state.kind === "removed" || state.kind === "absent") return { kind: "same" };
    return { kind: "write", next: { ...want, marks, node } };
  }
  const mark = markOf(want, by);
  const seen = marks.includes(mark);
  if (state.kind === "deployed" && state.version.version === want.version.version) {
    if (seen) return { kind: "same" };
    // So that this deployment is known when another has followed it.
    return { kind: "write", next: { ...state, marks: marked(marks, mark) } };
  }
  if (seen && why === "start") return { kind: "superseded" };
  return { kind: "write", next: { ...want, marks: marked(marks, mark), node } };
}

/**
 * What a project's files come to beside what it had: the functions that are gone from them, and what is to be
 * kept of it. Undefined where nothing changes, or where a node started with files that others have followed.
 */
export function judgeProject(
  functions: readonly FunctionVersion[],
  now: ProjectFiles,
  { why, by }: { readonly why: Wish["why"]; readonly by: Deployer },
): { readonly gone: readonly string[]; readonly next: ProjectFiles } | undefined {
  const content = sha256(JSON.stringify(functions.map(({ name, version }) => [name, version])));
  const mark = withId(content, by.deployId);
  if (now.marks.at(-1) === mark || (why === "start" && now.marks.includes(mark))) return undefined;
  const names = functions.map(({ name }) => name);
  return {
    gone: now.functions.filter((name) => !names.includes(name)),
    next: { functions: names, marks: marked(now.marks, mark) },
  };
}

function marked(marks: readonly string[], mark: string): readonly string[] {
  return [...marks.filter((other) => other !== mark), mark].slice(-MAX_MARKS);
}
