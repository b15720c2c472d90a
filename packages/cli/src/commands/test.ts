import { Command } from "commander";
import type { Cli } from "../cli.ts";
import type { FixtureResult } from "../fixture/suite.ts";
import { readProject, type ProjectOptions } from "../project.ts";
import { counted } from "../text.ts";
import { FIXTURES_DIR } from "./fixture.ts";

interface Options extends ProjectOptions {
  readonly update?: boolean;
  readonly junit?: string;
  readonly json?: boolean;
}

export function testCommand(cli: Cli): Command {
  return new Command("test")
    .summary("run past runs on the present build")
    .description(
      "Runs every fixture of a folder on the project's functions as they are built now, given what they were given then and without effects, and shows what differs. The exit code is 1 where something does.",
    )
    .argument("[dir]", "a folder of fixtures, which `nexus fixture` makes", FIXTURES_DIR)
    .option("-u, --update", "accept what differs: the fixtures then expect it")
    .option("--junit <file>", "write the results as JUnit XML, too")
    .option("-c, --config <file>", "the project (NEXUS_CONFIG, nexus.yaml)")
    .option("--functions-dir <dir>", "a folder of modules (NEXUS_FUNCTIONS_DIR)")
    .option("--json", "print JSON")
    .action((dir: string, options: Options) => test(cli, dir, options));
}

async function test(cli: Cli, dir: string, options: Options): Promise<void> {
  const { out, signal } = cli;
  const [{ fixturesIn, testFixture }, { resultLines }, { withRuntime }] = await Promise.all([
    import("../fixture/suite.ts"),
    import("../fixture/lines.ts"),
    import("../recording/again.ts"),
  ]);
  const paths = await fixturesIn(dir);
  const project = await readProject(cli, options);
  const update = options.update === true;
  const results: FixtureResult[] = [];
  await withRuntime(cli, async (deps) => {
    for (const path of paths) {
      signal.throwIfAborted();
      const result = await testFixture(path, project, { deps, update });
      results.push(result);
      if (options.json === true) continue;
      for (const line of resultLines(result, out.paint)) out.print(line);
    }
  });
  const count = (status: FixtureResult["status"]): number =>
    results.filter((result) => result.status === status).length;
  const failed = count("differs") + count("error");
  if (failed > 0) cli.exitWith(1);
  if (options.junit !== undefined) {
    const { writeJUnit } = await import("../fixture/junit.ts");
    await writeJUnit(options.junit, dir, results);
  }
  if (options.json === true) return out.json({ fixtures: results });
  const words = [
    [count("same"), "same"],
    [count("updated"), "updated"],
    [count("differs"), count("differs") === 1 ? "differs" : "differ"],
    [count("error"), "could not be run"],
  ] as const;
  const told = words.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  out.print();
  out.print(`${counted(results.length, "fixture")}: ${told.join(", ")}`);
  if (count("differs") > 0) out.note("`nexus test --update` accepts what differs.");
}
