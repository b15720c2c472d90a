import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionVersion } from "../core/function.ts";
import { judge, judgeProject, type Deployer, type Wish } from "./rollout.ts";
import type { Deployment, SharedFunction, SharedState } from "./shared.ts";

const BY: Deployer = { node: "here" };

function deployment(version: string): Deployment {
  return { kind: "deployed", version: { name: "a", version } as FunctionVersion };
}

function wish(version: string, why: Wish["why"] = "start"): Wish {
  return { want: deployment(version), why };
}

function standing(state: SharedState): SharedFunction {
  return { name: "a", revision: 7, state };
}

/** What the cluster serves after these, one after another; what each came to. */
function after(...wishes: readonly (readonly [Wish, Deployer?])[]) {
  let now = standing({ kind: "absent" });
  const came = wishes.map(([wish, by = BY]) => {
    const verdict = judge(wish, now, by);
    if (verdict.kind === "write") now = standing(verdict.next);
    return verdict.kind;
  });
  const { state } = now;
  return { came, serves: state.kind === "deployed" ? state.version.version : state.kind, state };
}

test("judge() deploys what is new, once", () => {
  const { came, serves, state } = after([wish("1")], [wish("1")], [wish("1", "change")]);
  assert.deepEqual(came, ["write", "same", "same"]);
  assert.equal(serves, "1");
  assert.deepEqual(state, { ...deployment("1"), marks: ["1"], node: "here" });
});

test("judge() does not roll back where a node starts, and does where its files change", () => {
  const old = after([wish("1")], [wish("2")], [wish("1")]);
  assert.deepEqual([old.came[2], old.serves], ["superseded", "2"]);
  const changed = after([wish("1")], [wish("2")], [wish("1", "change")], [wish("2")]);
  assert.deepEqual([changed.came[3], changed.serves], ["superseded", "1"]);
});

test("judge() takes a version for new under another deploy id, and remembers that too", () => {
  const first = { node: "here", deployId: "1" };
  const second = { node: "here", deployId: "2" };
  const rolled = after([wish("1"), first], [wish("2"), first], [wish("1"), second]);
  assert.deepEqual([rolled.came[2], rolled.serves], ["write", "1"]);
  // The first rollout left the function as it was; its nodes must not bring it back after the second.
  const noted = after([wish("1")], [wish("1"), first], [wish("2"), second], [wish("1"), first]);
  assert.deepEqual(noted.came, ["write", "write", "write", "superseded"]);
});

test("judge() takes a function out, and does not bring it back where a node starts", () => {
  const gone: Wish = { want: { kind: "removed" }, why: "change" };
  const { came, serves } = after([gone], [wish("1")], [gone], [gone], [wish("1")]);
  assert.deepEqual(came, ["same", "write", "write", "same", "superseded"]);
  assert.equal(serves, "removed");
  assert.equal(after([wish("1")], [gone], [wish("2")]).serves, "2");
});

test("judge() leaves alone what it cannot read, unless its files change", () => {
  const strange = standing({ kind: "unreadable", reason: "" });
  assert.equal(judge(wish("1"), strange, BY).kind, "superseded");
  assert.equal(judge(wish("1", "change"), strange, BY).kind, "write");
});

test("judge() remembers a hundred deployments, the newest", () => {
  const { state } = after(...Array.from({ length: 120 }, (_, n) => [wish(`${n}`)] as const));
  assert.ok("marks" in state);
  assert.deepEqual([state.marks.length, state.marks[0], state.marks[99]], [100, "20", "119"]);
});

test("judgeProject() tells what is gone from files that are new, and nothing of old ones", () => {
  const files = (...names: string[]) =>
    names.map((name) => ({ name, version: `${name}1` }) as FunctionVersion);
  const start = { why: "start", by: BY } as const;
  const first = judgeProject(files("a", "b"), { functions: [], marks: [] }, start)!;
  assert.deepEqual([first.gone, first.next.functions], [[], ["a", "b"]]);
  assert.equal(judgeProject(files("a", "b"), first.next, start), undefined);
  const second = judgeProject(files("a"), first.next, start)!;
  assert.deepEqual([second.gone, second.next.functions], [["b"], ["a"]]);
  assert.equal(judgeProject(files("a", "b"), second.next, start), undefined);
  const changed = judgeProject(files("a", "b"), second.next, { why: "change", by: BY })!;
  assert.deepEqual(changed.next.functions, ["a", "b"]);
  const by = { node: "here", deployId: "2" };
  assert.deepEqual(judgeProject(files(), second.next, { why: "start", by })!.gone, ["a"]);
});
