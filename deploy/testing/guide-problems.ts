// What in a guide does not hold: commands, options, paths and names that are not there.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { silentProgram } from "../../packages/cli/src/cli-page.ts";
import { everyCommand, UsageError } from "../../packages/cli/src/program.ts";
import { inRepository, type Manifest } from "./manifest.ts";
import type { Call } from "./shell.ts";

const run = promisify(execFile);

/** What the real `nexus` would refuse of this command line before it does anything. */
export async function nexusProblem({ args }: Call): Promise<string | undefined> {
  const program = await silentProgram();
  for (const command of everyCommand(program)) command.action(() => undefined);
  try {
    await program.parseAsync(args, { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // A command's name alone is what a text says of it.
    const isName = args.every((word) => /^[a-z]+$/.test(word));
    if (isName && error.message.startsWith("required option")) return undefined;
    return error.exitCode === 0 ? undefined : `nexus ${args.join(" ")}: ${error.message}`;
  }
}

// This repository's, and the one that `nexus new` puts into a project.
const SCRIPTS = ["package.json", "packages/cli/templates/assemblyscript/package.json"].flatMap(
  (path) => {
    const { scripts } = JSON.parse(readFileSync(inRepository(path), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    return Object.keys(scripts);
  },
);

/** A script of package.json, or a command of npm itself. */
export function npmProblem({ args }: Call): string | undefined {
  const [verb, ...rest] = args;
  if (verb === "run") {
    const name = rest.find((word) => !word.startsWith("-"));
    return name !== undefined && SCRIPTS.includes(name)
      ? undefined
      : `there is no script "${name}"`;
  }
  return ["ci", "test", "install", "ls"].includes(verb ?? "") ? undefined : `npm ${verb}`;
}

/** The words of `kubectl` that its own help does not know, and objects that no manifest makes. */
export async function kubectlProblems(
  { args }: Call,
  manifests: readonly Manifest[],
): Promise<readonly string[]> {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const verb = withoutValues(own).filter((word) => !word.startsWith("-"));
  const flags = own.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]!);
  const help = await kubectlHelp(verb);
  const objects = [...own.flatMap(slashed), ...spaced(verb)];
  return [
    ...flags
      .filter((flag) => !help.includes(flag))
      .map((flag) => `kubectl ${verb[0]} has no option ${flag}`),
    ...objects
      .filter(({ kind, name }) => !manifests.some((one) => isObject(one, kind, name)))
      .map(({ kind, name }) => `no manifest has ${kind} ${name}`),
  ];
}

/** Options whose value is a word of its own. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  "-n",
  "--namespace",
  "-o",
  "-l",
  "-f",
  "-k",
  "-p",
]);

function withoutValues(args: readonly string[]): readonly string[] {
  return args.filter((_, index) => !WITH_VALUE.has(args[index - 1] ?? ""));
}

const helps = new Map<string, Promise<string>>();

/** Of a command with two words (`rollout status`) the longer help, where there is one. */
async function kubectlHelp(words: readonly string[]): Promise<string> {
  const [verb = "", second = ""] = words;
  const nested = ["rollout", "set", "create", "config"].includes(verb) ? [verb, second] : [verb];
  const third = nested.join(" ") === "create secret" ? [...nested, words[2] ?? ""] : nested;
  const key = third.join(" ");
  const known = helps.get(key);
  if (known !== undefined) return known;
  const asked = Promise.all([
    run("kubectl", [...third, "--help"], { timeout: 30_000 }),
    run("kubectl", ["options"], { timeout: 30_000 }),
  ]).then((answers) => answers.map(({ stdout }) => stdout).join("\n"));
  helps.set(key, asked);
  return asked;
}

interface Named {
  readonly kind: string;
  readonly name: string;
}

/** By the words that kubectl takes for them. Secrets are made by the guide's reader, and not here. */
const KINDS: Readonly<Record<string, string>> = {
  configmap: "ConfigMap",
  deployment: "Deployment",
  hpa: "HorizontalPodAutoscaler",
  ingress: "Ingress",
  namespace: "Namespace",
  networkpolicy: "NetworkPolicy",
  pdb: "PodDisruptionBudget",
  service: "Service",
  statefulset: "StatefulSet",
};

/** `deployment/nexus-functions` */
function slashed(word: string): readonly Named[] {
  const [short, name, more] = word.split("/");
  const kind = KINDS[short!];
  return kind === undefined || name === undefined || more !== undefined ? [] : [{ kind, name }];
}

/** `get deployment nexus-functions` */
function spaced([verb, short, ...names]: readonly string[]): readonly Named[] {
  const kind = verb === "get" ? KINDS[short ?? ""] : undefined;
  return kind === undefined ? [] : names.map((name) => ({ kind, name }));
}

function isObject({ kind, metadata }: Manifest, wanted: string, name: string): boolean {
  return kind === wanted && metadata.name === name;
}

const ROOTS =
  /^(?:\.\/)?((?:docs|deploy|k8s|bench|examples|scripts|packages|\.github)\/[\w./-]*|docker-compose[\w.-]*\.yml|Dockerfile|\.ci\/run)$/;

/** The words that name something of this repository that is not there. */
export function pathProblems(words: readonly string[]): readonly string[] {
  return words
    .map((word) => ROOTS.exec(word)?.[1])
    .filter((path) => path !== undefined)
    .filter((path) => !existsSync(inRepository(path)))
    .map((path) => `there is no ${path}`);
}
