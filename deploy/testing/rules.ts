import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { RULES } from "./prometheus.ts";

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Every rule of rules.yaml, in its order; an alert may have several, each of another severity. */
export async function readRules(): Promise<readonly AlertRule[]> {
  const { groups } = parse(await readFile(RULES, "utf8")) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}
