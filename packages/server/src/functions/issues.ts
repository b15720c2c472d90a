import type { z } from "zod";

/** One broken rule: where, and in words. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What `schema` finds wrong with a value: every rule broken, each once; empty for a good value. */
export function findings(schema: z.ZodType, value: unknown): readonly Finding[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : flatten(parsed.error.issues, []);
}

function flatten(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[]): Finding[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      const messages = issue.message.split("\n");
      return issue.keys.map((key, index) => ({ path: [...path, key], message: messages[index]! }));
    }
    if (issue.code === "invalid_union") {
      // What the reader meant is the one branch that takes values of this type.
      const meant = issue.errors.filter((branch) => !branch.some(isWrongType));
      if (meant.length === 1) return flatten(meant[0]!, path);
    }
    return [{ path, message: issue.message }];
  });
}

function isWrongType(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && issue.code === "invalid_type";
}
