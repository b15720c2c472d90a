import { z } from "zod";
import { parseDuration, parseSize } from "../core/quantity.ts";
import { show } from "./problems.ts";
import { didYouMean } from "./suggest.ts";

/** What an editor shows beside a setting, and what the JSON schema says about it. */
export interface Docs {
  readonly title: string;
  readonly description: string;
  readonly examples?: unknown[];
  /** What holds where nothing is written. The schema only tells it; settings.ts applies it. */
  readonly default?: string | number | boolean;
}

type Fault = (value: string) => string | undefined;

/** The `error` of a field: `5 is not a duration (try "5s")`, or `is required (try "5s")`. */
export function wrong(what: string, example: string) {
  return ({ input }: { readonly input?: unknown }): string =>
    input === undefined
      ? `is required (try ${example})`
      : `${show(input)} is not ${what} (try ${example})`;
}

/** A text; `fault` says which rule it breaks, in words that follow the value. */
export function text(what: string, example: string, fault: Fault) {
  return z.string({ error: wrong(what, JSON.stringify(example)) }).superRefine((value, context) => {
    const message = fault(value);
    if (message !== undefined) {
      context.addIssue({ code: "custom", message: `${show(value)} ${message}` });
    }
  });
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(words: Words, docs: Docs) {
  return z
    .enum(words, {
      error: ({ input }) => {
        const hint = typeof input === "string" ? didYouMean(input, words) : "";
        const list = words.map((word) => `"${word}"`).join(", ");
        const rule = words.length === 1 ? list : `one of ${list}`;
        return input === undefined
          ? `is required: ${rule}`
          : `${show(input)} is not ${rule}${hint}`;
      },
    })
    .meta({ ...docs });
}

export function flag(docs: Docs) {
  return z.boolean({ error: wrong("true or false", "true") }).meta({ ...docs });
}

/** A whole number in a range. */
export function count(min: number, max: number, docs: Docs) {
  const error = wrong(`a whole number from ${min} to ${max}`, String(docs.default ?? min));
  return z
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .meta({ ...docs });
}

function exampleOf({ default: fallback, examples = [] }: Docs, otherwise: string): string {
  return [...examples, fallback].find((value) => typeof value === "string") ?? otherwise;
}

/** A duration in text, such as `1m30s`, in a range. */
export function duration(min: string, max: string, docs: Docs) {
  const example = exampleOf(docs, "5s");
  return text("a duration", example, (value) => {
    const ms = parseDuration(value);
    if (ms === undefined) return `is not a duration (try "${example}")`;
    return ms < parseDuration(min)! || ms > parseDuration(max)!
      ? `is not between ${min} and ${max}`
      : undefined;
  }).meta({ pattern: "^(?:\\d+(?:\\.\\d+)?(?:ms|s|m|h|d))+$", ...docs });
}

/** A number of bytes, as a whole number or in text such as `64Ki`, in a range. */
export function size(min: string, max: string, docs: Docs) {
  const example = exampleOf(docs, "1Mi");
  const rangeFault = (value: number): string | undefined =>
    value < parseSize(min)! || value > parseSize(max)!
      ? `is not between ${min} and ${max}`
      : undefined;
  const words = text("a size", example, (value) => {
    const bytes = parseSize(value);
    return bytes === undefined ? `is not a size (try "${example}")` : rangeFault(bytes);
  }).meta({ pattern: "^\\d+(?:\\.\\d+)?(?:Ki|Mi|Gi|Ti|k|M|G|T)?B?$" });
  const bytes = z
    .number()
    .superRefine((value, context) => {
      const message = Number.isInteger(value)
        ? rangeFault(value)
        : "is not a whole number of bytes";
      if (message !== undefined)
        context.addIssue({ code: "custom", message: `${value} ${message}` });
    })
    .meta({ type: "integer", minimum: parseSize(min)!, maximum: parseSize(max)! });
  return z
    .union([words, bytes], { error: wrong("a size", JSON.stringify(example)) })
    .meta({ ...docs });
}

/**
 * A mapping with these keys and no others. What is wrong with several unknown keys comes as one
 * message with a line for each: issues.ts takes it apart again.
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape, example: string) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return wrong("a mapping", example)(issue);
      const keys = issue["keys"] as readonly string[];
      return keys.map((key) => unknownKey(key, known)).join("\n");
    },
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const hint = didYouMean(key, known);
  return hint === ""
    ? `unknown setting (known here: ${known.join(", ")})`
    : `unknown setting${hint}`;
}
