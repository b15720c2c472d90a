import { readdir, readFile } from "node:fs/promises";
import { inRepository } from "./manifest.ts";

export const DASHBOARDS = inRepository("deploy/monitoring/grafana/dashboards");

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: DataSource;
  readonly gridPos: Place;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

export interface DataSource {
  readonly type: string;
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: DataSource;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: DataSource;
}

export interface Dashboard {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

export async function readDashboards(): Promise<readonly Dashboard[]> {
  const files = (await readdir(DASHBOARDS)).sort();
  return Promise.all(
    files.map(async (file) => ({
      ...(JSON.parse(await readFile(`${DASHBOARDS}/${file}`, "utf8")) as Omit<Dashboard, "file">),
      file,
    })),
  );
}

/** Every query of a dashboard, with its panel's title. */
export function queries({ title, panels }: Dashboard): readonly { where: string; expr: string }[] {
  return panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr, refId }) => ({
      where: `${title}: ${panel.title} ${refId}`,
      expr,
    })),
  );
}

/** As Grafana fills it in where all is chosen. */
export function filledIn(expr: string): string {
  return expr.replaceAll(/\$(?:instance|function)\b/g, ".+").replaceAll("$__rate_interval", "1m");
}

/** What Grafana would take and show wrongly, or what a reader would miss. */
export function dashboardProblems({ file, panels, templating }: Dashboard): string[] {
  const problems: string[] = [];
  const source = (one: DataSource | undefined): boolean =>
    one?.type === "prometheus" && one.uid === "${datasource}";
  const variables = templating.list.map(({ name }) => name);
  const [first] = templating.list;
  if (first?.name !== "datasource" || first.type !== "datasource") {
    problems.push(`${file}: its first variable is not the data source`);
  }
  for (const { name, type, datasource } of templating.list) {
    if (type === "query" && !source(datasource)) problems.push(`${file}: $${name} asks another`);
  }
  const ids = panels.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) problems.push(`${file}: two panels have one id`);
  for (const panel of panels) {
    const expect = (holds: boolean, problem: string) => {
      if (!holds) problems.push(`${file}: "${panel.title}": ${problem}`);
    };
    const { x, y, w, h } = panel.gridPos;
    expect(x >= 0 && w > 0 && x + w <= 24 && h > 0, "it is not within the 24 columns");
    const over = panels.filter(
      ({ id, gridPos: other }) =>
        id < panel.id &&
        x < other.x + other.w &&
        other.x < x + w &&
        y < other.y + other.h &&
        other.y < y + h,
    );
    expect(over.length === 0, `it lies over "${over[0]?.title}"`);
    if (panel.type === "row") continue;
    expect(panel.title !== "" && (panel.description ?? "") !== "", "it does not say what it shows");
    expect((panel.fieldConfig?.defaults.unit ?? "") !== "", "it has no unit");
    expect(source(panel.datasource), "its data source is not the variable");
    const targets = panel.targets ?? [];
    expect(targets.length > 0, "it asks nothing");
    expect(
      targets.every(({ datasource }) => source(datasource)),
      "a query's data source is not the variable",
    );
    const refs = targets.map(({ refId }) => refId);
    expect(new Set(refs).size === refs.length, "two queries have one refId");
    for (const { expr } of targets) {
      const used = [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name!);
      const unknown = used.find((name) => name !== "__rate_interval" && !variables.includes(name));
      expect(unknown === undefined, `there is no variable "${unknown}"`);
    }
  }
  return problems;
}
