/**
 * Every text that the command line itself says to a person (besides the help in commands.ts); errors that come from below
 * carry their own. Each error says what is wrong and how to mend it.
 */
import type { SensitivityStage } from "../lab/sensitivity.js";
import { UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import { formatBytes } from "../util/units.js";

/** "did you mean "seed"?", or what there is when nothing is near. */
export function didYouMean(word: string, words: readonly string[], otherwise: string): string {
  const near = nearestWords(word, words);
  return near.length === 0 ? otherwise : `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`;
}

export function unknownOption(name: string, options: readonly string[], command: string): UserError {
  const written = name.length === 1 ? `-${name}` : `--${name}`;
  const near = nearestWords(name, options);
  const hint = near.length === 0 ? "" : `did you mean ${near.map((option) => `--${option}`).join(" or ")}? `;
  return new UserError(`unknown option ${written}`, { mend: `${hint}see: ${command} --help` });
}

export function unknownCommand(name: string, commands: readonly string[]): UserError {
  return new UserError(`unknown command "${name}"`, {
    mend: `${didYouMean(name, commands, `the commands are ${commands.join(", ")};`)} see: virtlab --help`,
  });
}

export function tooManyArguments(extra: readonly string[], command: string): UserError {
  return new UserError(`unexpected argument ${extra.map((argument) => `"${argument}"`).join(", ")}`, {
    mend: `see: ${command} --help`,
  });
}

export function missingArgument(message: string, command: string): UserError {
  return new UserError(message, { mend: `see: ${command} --help` });
}

export function notAWholeNumber(
  option: string,
  written: string,
  minimum: number,
  maximum: number,
): UserError {
  return new UserError(`--${option} ${written}: not a whole number from ${minimum} to ${maximum}`, {
    mend: `write e.g. --${option} ${Math.min(Math.max(minimum, 2), maximum)}`,
  });
}

export function notANumber(option: string, written: string): UserError {
  return new UserError(`--${option} ${written}: not a number above 0`, {
    mend: `write e.g. --${option} 1.5`,
  });
}

export function notASize(option: string, written: string, minimum: number, maximum: number): UserError {
  return new UserError(
    `--${option} ${written}: not a size from ${formatBytes(minimum)} to ${formatBytes(maximum)}`,
    { mend: `write e.g. --${option} 64MiB` },
  );
}

/** @param value what to write there, such as `file` */
export function optionNeedsValue(option: string, value = "value"): UserError {
  return new UserError(`--${option} has no value`, { mend: `write --${option} <${value}>` });
}

export function optionGivenTwice(option: string): UserError {
  return new UserError(`--${option} is given twice`, { mend: "give it once" });
}

export function notAChoice(option: string, written: string, choices: readonly string[]): UserError {
  return new UserError(`--${option} ${written}: not one of ${choices.join(", ")}`, {
    mend: didYouMean(written, choices, `write e.g. --${option} ${choices[0]}`),
  });
}

export function notAnAction(command: string, written: string, actions: readonly string[]): UserError {
  return new UserError(`${command} ${written}: ${command} can ${actions.join(" or ")}`, {
    mend: didYouMean(written, actions, `write e.g. virtlab ${command} ${actions[0]}`),
  });
}

export function optionsExclude(one: string, other: string): UserError {
  return new UserError(`--${one} and --${other} exclude each other`, { mend: "give one of them" });
}

export function optionNeeds(one: string, other: string): UserError {
  return new UserError(`--${one} means nothing without --${other}`, {
    mend: `leave it out, or give --${other}`,
  });
}

export function notAShard(written: string): UserError {
  return new UserError(`--shard ${written}: not a part k of n`, {
    mend: "write e.g. --shard 1/3, and 2/3, and 3/3",
  });
}

export function noSuchScenario(written: string, known: readonly string[]): UserError {
  return new UserError(`there is no scenario "${written}"`, {
    mend: didYouMean(
      written,
      known,
      "give the path of a YAML file; `virtlab list scenarios` shows those that come along",
    ),
  });
}

/** @param mentioning names of what speaks of it: `xen` is no name here, but paravirtual/direct is Xen's way */
export function noSuchThing(
  written: string,
  names: readonly string[],
  mentioning: readonly string[],
): UserError {
  const otherwise =
    mentioning.length === 0
      ? "`virtlab list` shows what there is"
      : `these speak of it: ${mentioning.join(", ")}; \`virtlab list\` shows what there is`;
  return new UserError(`virtlab knows nothing named "${written}"`, {
    mend: didYouMean(written, names, otherwise),
  });
}

/** `virtlab describe cost`: a kind, and no name. */
export function kindWithoutName(kind: string, topic: string): UserError {
  return new UserError(`which ${kind}?`, {
    mend: `\`virtlab list ${topic}\` shows them; then \`virtlab describe <name>\``,
  });
}

export function noSuchTopic(written: string, topics: readonly string[]): UserError {
  return new UserError(`there is no list of "${written}"`, {
    mend: didYouMean(written, topics, `the lists are ${topics.join(", ")}`),
  });
}

export const resuming = (folder: string, done: number, total: number): string =>
  `resuming ${folder}: ${done} of ${total} cells are done (--fresh starts anew)`;

export const stopping = "stopping; finished rows are kept (Ctrl-C again to stop at once)";

export const stoppingWithoutResult = "stopping; nothing is kept of it (Ctrl-C again to stop at once)";

export const comparing = (cell: string, stage: "first" | "confirming"): string =>
  stage === "first" ? `host time of ${cell}` : `again, to confirm: ${cell}`;

export const interrupted = (done: number, total: number, folder: string): string =>
  `stopped: ${done} of ${total} cells are done and kept in ${folder}\n  run the same command again to go on from there`;

export const expectationsSummary = (passed: number, total: number, skipped: number): string =>
  `expectations: ${passed} of ${total} hold${skipped === 0 ? "" : `, ${skipped} skipped`}`;

export const validating = (name: string, at: number, of: number): string => `${name} (${at} of ${of})`;

export const staleValidation = (file: string): string =>
  `${file} is not what the scenarios give\n  run: npm run virtlab -- validate --write`;

export const leavingOut = (paper: string, at: number, of: number): string =>
  `without ${paper} (${at} of ${of})`;

export const unaccounted = (id: string): string =>
  `nothing is said of the published figure ${id}\n  name it in a scenario of scenarios/papers, or in results/outside.yaml with the reason`;

export const contradicted = (id: string): string =>
  `${id} is outside of the model by results/outside.yaml, but a scenario mentions it\n  remove it from results/outside.yaml`;

export const staleClaims = (file: string): string =>
  `${file} is not what the scenarios give\n  run: npm run virtlab -- claims --write`;

export function noSuchPaper(written: string, known: readonly string[]): UserError {
  return new UserError(`no scenario of papers has "${written}" in its name or its text`, {
    mend: didYouMean(written, known, `there are: ${known.join(", ")}`),
  });
}

export function nothingToTest(scenario: string): UserError {
  return new UserError("has no expectations: there is no conclusion to test", {
    where: scenario,
    mend: "write what it concludes under `expect:`",
  });
}

/** What each stage of a sensitivity study does (lab/sensitivity.ts). */
const STAGES: Readonly<Record<SensitivityStage, string>> = {
  screen: "finding what matters",
  ends: "at the ends of ranges",
  bisect: "finding crossings",
};

export const trying = (stage: SensitivityStage, done: number, total: number): string =>
  `${STAGES[stage]}: ${done} of ${total} cells`;

export const studying = (scenario: string): string => `what ${scenario} rests on`;

export const holdsThroughout = (constants: number): string =>
  `holds over the whole range of each of the ${constants} constants`;

export const failsAnyway = (line: string): string => `does not hold with the constants as they are: ${line}`;

export const constantsTried = (constants: number, idle: number, runs: number): string =>
  `${constants} constants were tried, one at a time, by ${runs} runs of cells; ${idle} of them change no row`;

export const besidePublished = "beside published figures:";

export const orderingsSummary = (same: number, total: number): string =>
  `published orderings: ${same} of ${total} are the same here`;

export const overRows = (rows: number): string => (rows === 1 ? "1 row" : `${rows} rows`);

export const moreRows = (rows: number): string => `… and ${rows} more rows in rows.csv`;

export const moreFailures = (rows: number): string => `… and ${rows} more`;

export const failedCells = (failed: number, total: number): string =>
  `${failed} of ${total} cells failed; the reasons are in the rows`;

export const runFolder = (folder: string): string => `run: ${folder}`;

export const timing = (cell: string): string => `host time of ${cell}`;

export const hostTime = "host time, one cell after another (noisy; the model knows nothing of it):";

export const drawing = "drawing charts";

export const timingFailed = (cell: string, reason: string): string => `no host time of ${cell}: ${reason}`;

export const notChecked = "expectations are not checked: cells that they may speak of are left out";

/** @param rows the file whose rows could be the baseline, where they are no run of a scenario */
export const noBaseline = (baseline: string, scenarios: readonly string[], rows?: string): string => {
  const mend =
    rows === undefined
      ? `to make one: npm run virtlab -- baseline update ${scenarios.join(" ")} --why "…"`
      : `to make these rows the baseline: cp ${rows} ${baseline}`;
  return `there is no baseline ${baseline}\n  ${mend}`;
};

export const noBaselines = (folder: string): string =>
  `there are no baselines in ${folder}\n  to make them: npm run virtlab -- baseline update --why "…"`;

export const noHistory = (folder: string): string =>
  `there is no history in ${folder}\n  to begin one: npm run virtlab -- history add results/runs/ept/latest`;

export function nothingToAdd(): UserError {
  return new UserError("history add needs a run", { mend: "give a run's folder, or a folder of runs" });
}

export function nothingToCompare(reference: string): UserError {
  return new UserError(`there is nothing to compare in ${reference}`, {
    mend: "give a run's folder, a folder of runs, a scenario that was run, or a commit that has baselines",
  });
}

export function whyIsNeeded(): UserError {
  return new UserError("a new baseline needs its reason", {
    mend: 'add --why "…": it is kept beside the rows, for whoever wonders later',
  });
}

export function notARun(place: string): UserError {
  return new UserError("is not a complete run: there is no run.json", {
    where: place,
    mend: "give a scenario, or a run's folder",
  });
}

export function notBlessable(place: string, failed: number, missing: number): UserError {
  const what = failed > 0 ? `${failed} cells failed` : `${missing} cells are missing`;
  return new UserError(`not blessed: ${what}`, {
    where: place,
    mend: "a baseline has every cell; run the whole scenario until it is good",
  });
}

export function expectationsBroken(scenario: string, texts: readonly string[]): UserError {
  return new UserError(`not blessed: an expectation fails: ${texts.join("; ")}`, {
    where: scenario,
    mend: "bring the scenario into order first: npm run bench shows the rows",
  });
}

export const staleFile = (file: string): string =>
  `${file} is stale\n  run: npm run virtlab -- schema --write`;

/** An unexpected exception: our bug, with what is needed to replay it. */
export function bugReport(error: unknown, args: readonly string[], version: string): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const command = [
    "virtlab",
    ...args.map((part) => (/^[\w./=:@%+,-]+$/.test(part) ? part : JSON.stringify(part))),
  ].join(" ");
  return [
    `this is a bug in virtlab: ${stack}`,
    "  to replay it, keep the scenario file and run:",
    `    ${command}`,
    `  virtlab ${version}, Node ${process.version}, ${process.platform} ${process.arch}`,
  ].join("\n");
}
