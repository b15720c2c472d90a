/** What is refused: "high" and "critical" in CodeQL's terms, and errors of queries that have no such number. */
const LEAST_SEVERITY = 7;

interface Rule {
  readonly id: string;
  readonly properties?: { readonly "security-severity"?: string };
  readonly defaultConfiguration?: { readonly level?: string };
}

interface Result {
  readonly ruleId?: string;
  readonly level?: string;
  readonly message: { readonly text?: string };
  readonly suppressions?: readonly unknown[];
  readonly locations?: readonly {
    readonly physicalLocation?: {
      readonly artifactLocation?: { readonly uri?: string };
      readonly region?: { readonly startLine?: number };
    };
  }[];
}

/** The part of SARIF 2.1.0 that tells how grave a finding is and where. */
export interface Sarif {
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly rules?: readonly Rule[] };
      readonly extensions?: readonly { readonly rules?: readonly Rule[] }[];
    };
    readonly results?: readonly Result[];
  }[];
}

/** A line for each grave finding that is not suppressed. */
export function graveFindings({ runs }: Sarif): string[] {
  return runs.flatMap(({ tool, results = [] }) => {
    const rules = new Map<string, Rule>();
    for (const { rules: known = [] } of [tool.driver, ...(tool.extensions ?? [])]) {
      for (const rule of known) rules.set(rule.id, rule);
    }
    return results
      .filter((result) => (result.suppressions ?? []).length === 0)
      .filter((result) => isGrave(result, rules.get(result.ruleId ?? "")))
      .map(lineOf);
  });
}

function isGrave(result: Result, rule: Rule | undefined): boolean {
  const severity = rule?.properties?.["security-severity"];
  if (severity !== undefined) return Number(severity) >= LEAST_SEVERITY;
  // SARIF: a result without a level has its rule's, and that is "warning" where nothing is said.
  return (result.level ?? rule?.defaultConfiguration?.level) === "error";
}

function lineOf({ ruleId = "?", message, locations }: Result): string {
  const place = locations?.[0]?.physicalLocation;
  const where = `${place?.artifactLocation?.uri ?? "?"}:${place?.region?.startLine ?? "?"}`;
  return `${where}: ${message.text ?? ""} (${ruleId})`;
}
