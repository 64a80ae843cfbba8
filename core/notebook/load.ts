/** `load` in a cell: what was run or blessed before, without running anything. */
import { scenarioNames } from "../cli/scenario-file.js";
import { comparandsOf } from "../results/comparands.js";
import { withDerived } from "../results/derived.js";
import { readRun } from "../results/index.js";
import { varyingOf } from "../results/summary.js";
import { UserError } from "../util/errors.js";
import { resultsFolder } from "./place.js";
import { Results } from "./results.js";

/**
 * Reads a run, a baseline or a CSV file.
 * @param reference what `virtlab compare` takes: `ept` (a scenario), a run's folder, a CSV file, `main:ept` (a commit's baseline)
 * @param which what a scenario's plain name means: its latest run, or its baseline
 * @throws UserError when there is none, for a baseline of another schema version, and for files that were cut off or edited
 */
export function load(reference: string, which: "run" | "baseline" = "run"): Results {
  const results = resultsFolder();
  const scenarios = scenarioNames();
  const { runs } = comparandsOf(reference, which, { results, scenarios });
  const [found, ...more] = runs;
  if (found === undefined)
    throw new UserError(`there is no ${which} "${reference}"`, {
      mend: which === "baseline" ? "see: npm run virtlab -- baseline list" : "run the scenario first",
    });
  if (more.length > 0)
    throw new UserError(`"${reference}" is ${runs.length} runs`, {
      mend: `load one: ${runs.map(({ scenario }) => scenario).join(", ")}`,
    });
  const rows = found.kind === "run" ? found.rows : found.rows.map(withDerived);
  const stored = found.kind === "run" ? readRun(found.place, results) : undefined;
  const scenario = stored?.record?.scenario;
  return new Results({
    name: found.scenario,
    title: scenario?.title ?? `${found.scenario} (${found.kind})`,
    question: scenario?.question ?? "",
    place: found.place,
    rows,
    exits: stored?.exits ?? [],
    axes: scenario?.axes ?? varyingOf(rows),
    baseline: (scenario?.baseline ?? undefined) as Results["baseline"],
    charts: scenario?.charts ?? [],
    expectations: stored?.record?.expectations ?? [],
    constants: found.constants,
    plan: undefined,
  });
}
