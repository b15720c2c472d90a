import type { FunctionVersion, Trigger } from "../core/function.ts";
import type { Entry } from "./entries.ts";
import { DEFAULT_NATS_PREFIX, subjectsOverlap } from "../core/subjects.ts";
import { pathShape } from "./http-path.ts";
import { formatProblem, quote, type Problem } from "./problems.ts";

/**
 * Names that two functions have, HTTP requests that two triggers would take, and NATS subjects that the
 * platform has for itself.
 */
export function conflicts(
  entries: readonly Entry[],
  natsPrefix = DEFAULT_NATS_PREFIX,
): readonly Problem[] {
  return [
    ...nameConflicts(entries),
    ...routeConflicts(entries),
    ...subjectConflicts(entries, natsPrefix),
  ];
}

// A function on one of them would be run by what its own runs leave there, for ever.
function subjectConflicts(entries: readonly Entry[], prefix: string): Problem[] {
  return entries.flatMap((entry) =>
    entry.triggers.flatMap(({ trigger, path }) => {
      if (trigger.kind !== "nats" || !subjectsOverlap(trigger.subject, `${prefix}.>`)) return [];
      const message = `${quote(trigger.subject)} takes subjects of the platform's own: all that begin with ${quote(`${prefix}.`)}`;
      return [entry.problem(path, message)];
    }),
  );
}

function nameConflicts(entries: readonly Entry[]): Problem[] {
  const first = new Map<string, Problem>();
  return entries.flatMap((entry) => {
    if (entry.name === undefined) return [];
    const here = entry.problem(["name"], "");
    const other = first.get(entry.name);
    if (other === undefined) {
      first.set(entry.name, here);
      return [];
    }
    return [
      {
        ...here,
        message: `${quote(entry.name)} is the name of another function: ${placeOf(other)}`,
      },
    ];
  });
}

/** A call that is answered runs at once, past the events of its key that wait: worth a warning. */
export function orderWarnings(entry: Entry): readonly Problem[] {
  const orderBy = entry.settings?.orderBy;
  if (orderBy === undefined) return [];
  return entry.triggers.flatMap(({ trigger, path }) => {
    if (trigger.kind !== "http" || !trigger.respond) return [];
    const route = quote(`${trigger.method} ${trigger.path}`);
    const message = `${route} is answered at once: such calls do not wait for their turn by order_by ${quote(orderBy)}, which the function's other events keep`;
    return [entry.problem([...path, "respond"], message)];
  });
}

interface Route {
  readonly method: string;
  readonly written: string;
  readonly place: Problem;
}

function routeConflicts(entries: readonly Entry[]): Problem[] {
  const byShape = new Map<string, Route[]>();
  const problems: Problem[] = [];
  for (const entry of entries) {
    for (const { trigger, path } of entry.triggers) {
      if (trigger.kind !== "http") continue;
      const route = routeOf(trigger, entry.problem([...path, "path"], ""));
      const shape = pathShape(trigger.path);
      const others = byShape.get(shape) ?? [];
      const other = others.find(({ method }) => meet(method, route.method));
      if (other !== undefined) {
        const message = `${quote(route.written)} takes the same requests as ${quote(other.written)}: ${placeOf(other.place)}`;
        problems.push({ ...route.place, message });
      }
      byShape.set(shape, [...others, route]);
    }
  }
  return problems;
}

/** HTTP requests that several of these functions would take, which files of their own each may bring. */
export function routeClashes(versions: readonly FunctionVersion[]): readonly string[] {
  const byShape = new Map<string, { readonly name: string; readonly method: string }[]>();
  const clashes: string[] = [];
  for (const { name, triggers } of versions) {
    for (const trigger of triggers) {
      if (trigger.kind !== "http") continue;
      const { method, path } = trigger;
      const others = byShape.get(pathShape(path)) ?? [];
      const first = others.find((other) => meet(method, other.method));
      if (first !== undefined) {
        const route = quote(`${method} ${path}`);
        clashes.push(
          `${route} of function ${quote(name)} takes the same requests as function ${quote(first.name)}, which gets them`,
        );
      }
      byShape.set(pathShape(path), [...others, { name, method }]);
    }
  }
  return clashes;
}

function meet(method: string, other: string): boolean {
  return method === other || method === "*" || other === "*";
}

function routeOf({ method, path }: Extract<Trigger, { kind: "http" }>, place: Problem): Route {
  return { method, written: `${method} ${path}`, place };
}

/** `nexus.yaml:3:5: functions[0].name` */
function placeOf(problem: Problem): string {
  return formatProblem(problem).replace(/: $/, "");
}
