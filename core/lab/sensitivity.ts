/**
 * How far a conclusion rests on constants that nobody published: each line of `expect:` judged with one constant of the cells moved down
 * and up, and where it fails, the factor from which it does. One constant at a time: those that move together are not tried.
 *
 *   screen   which constants a cell rests on at all: all of them are raised at once, then halves of those whose raising changed
 *            something, and so on. Most cells rest on a few, so that this takes a fraction of the runs of one by one
 *   ends     each that matters, at both ends of its range, in the cells that rest on it
 *   bisect   for each line that fails at an end, where between that end and the middle it does
 *
 * Between an end where a line holds and the middle it is taken to hold.
 */
import type { Constant } from "../events/profile.js";
import type { ConstantEffect } from "../results/sensitivity-table.js";
import {
  type Cell,
  type CellOutcome,
  checkExpectations,
  type ExpectationResult,
  type Plan,
} from "../scenario/index.js";
import { constantsOfCell } from "../scenario/replaced-constants.js";
import { UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import { rowsFrom, scaled, type Trial, type TrialOptions, tryAll } from "./trials.js";

export interface SensitivityOptions extends Omit<TrialOptions, "progress"> {
  /** Constants to move; default: those that are assumed, of the cells' profiles and hosts. */
  readonly constants?: readonly string[] | undefined;
  /** How far: 0.5 is from half to one and a half times. A range that a source gives and that is wider counts instead. */
  readonly spread: number;
  /** What is being done, and how much of it is. */
  readonly progress?: (stage: SensitivityStage, done: number, total: number) => void;
}

export type SensitivityStage = "screen" | "ends" | "bisect";

export interface Sensitivity {
  /** Lines that do not hold even with constants as they are. */
  readonly broken: readonly string[];
  /** Every constant that was tried. */
  readonly constants: readonly string[];
  /** Constants that change no row of the scenario. */
  readonly idle: readonly string[];
  readonly effects: readonly ConstantEffect[];
  /** Runs of cells that it took. */
  readonly runs: number;
}

/** Halvings of an interval of factors: its end is known to a 32nd of it. */
const BISECTIONS = 5;

/** A line that fails where a constant is at an end of its range. */
interface Search {
  readonly line: number;
  readonly constant: string;
  readonly end: number;
  holds: number;
  fails: number;
}

/** Undefined when it was stopped. @throws UserError */
export async function sensitivityOf(
  plan: Plan,
  options: SensitivityOptions,
): Promise<Sensitivity | undefined> {
  const study = new Study(plan, options);
  const base = await study.base();
  if (base === undefined) return undefined;
  const verdicts = checkExpectations(plan, rowsFrom(plan, base));
  const resting = await study.screen(base);
  if (resting === undefined) return undefined;
  const searches = await study.ends(base, resting, verdicts);
  if (searches === undefined || !(await study.bisect(base, resting, searches))) return undefined;
  const active = new Set([...resting.values()].flatMap((names) => [...names]));
  return {
    broken: verdicts.filter(({ passed }) => !passed).map(({ text }) => text),
    constants: study.names,
    idle: study.names.filter((name) => !active.has(name)),
    effects: verdicts.flatMap((verdict, line) =>
      verdict.passed ? [...active].map((name) => study.effectOf(verdict, line, name, searches)) : [],
    ),
    runs: study.runs,
  };
}

/** The constants that each cell rests on. */
type Resting = ReadonlyMap<Cell, ReadonlySet<string>>;

class Study {
  readonly names: readonly string[];
  runs = 0;
  private readonly constants: ReadonlyMap<string, { value: number; all: Constant[] }>;
  private readonly ranges: ReadonlyMap<string, readonly [number, number]>;

  constructor(
    private readonly plan: Plan,
    private readonly options: SensitivityOptions,
  ) {
    this.constants = constantsOf(plan);
    const assumed = [...this.constants].filter(([, { all }]) => all.some((each) => each.assumed === true));
    this.names = options.constants ?? assumed.map(([name]) => name);
    for (const name of this.names) refuseUnknown(name, this.constants.keys());
    this.ranges = new Map(
      this.names.map((name) => [name, factorsOf(this.constants.get(name)!.all, options.spread)]),
    );
  }

  base(): Promise<CellOutcome[] | undefined> {
    return this.try(
      "screen",
      this.plan.cells.map((cell): Trial => ({ cell, change: undefined })),
    );
  }

  /** Halves of those whose raising changes the outcome, until each stands alone. */
  async screen(base: readonly CellOutcome[]): Promise<Resting | undefined> {
    const resting = new Map(this.plan.cells.map((cell) => [cell, new Set<string>()]));
    let groups = this.plan.cells.map((cell) => {
      const its = constantsOfCell(cell.config);
      return { cell, names: this.names.filter((name) => (its.get(name)?.[0] ?? 0) !== 0) };
    });
    groups = groups.filter(({ names }) => names.length > 0);
    while (groups.length > 0) {
      const outcomes = await this.try(
        "screen",
        groups.map(({ cell, names }): Trial => ({ cell, change: this.raised(names) })),
      );
      if (outcomes === undefined) return undefined;
      groups = groups.flatMap(({ cell, names }, at) => {
        if (isSame(outcomes[at]!, base[cell.index]!)) return [];
        if (names.length === 1) resting.get(cell)!.add(names[0]!);
        const half = Math.ceil(names.length / 2);
        const halves = names.length === 1 ? [] : [names.slice(0, half), names.slice(half)];
        return halves.map((part) => ({ cell, names: part }));
      });
    }
    return resting;
  }

  /** The lines that fail where a constant is at an end of its range. */
  async ends(
    base: readonly CellOutcome[],
    resting: Resting,
    verdicts: readonly ExpectationResult[],
  ): Promise<Search[] | undefined> {
    const moved = this.names.flatMap((constant) =>
      this.ranges.get(constant)!.map((factor) => ({ constant, factor })),
    );
    const found = await this.verdictsAt("ends", moved, base, resting);
    return found?.flatMap((each, at) => {
      const { constant, factor } = moved[at]!;
      return each.flatMap((passed, line) =>
        verdicts[line]!.passed && !passed ? [{ line, constant, end: factor, holds: 1, fails: factor }] : [],
      );
    });
  }

  /** False when it was stopped. */
  async bisect(
    base: readonly CellOutcome[],
    resting: Resting,
    searches: readonly Search[],
  ): Promise<boolean> {
    for (let step = 0; step < BISECTIONS && searches.length > 0; step++) {
      const middles = searches.map(({ constant, holds, fails }) => ({
        constant,
        factor: (holds + fails) / 2,
      }));
      const found = await this.verdictsAt("bisect", middles, base, resting);
      if (found === undefined) return false;
      for (const [at, search] of searches.entries()) {
        const middle = middles[at]!.factor;
        if (found[at]![search.line]!) search.holds = middle;
        else search.fails = middle;
      }
    }
    return true;
  }

  effectOf(
    { text, claim, refutes }: ExpectationResult,
    line: number,
    constant: string,
    searches: readonly Search[],
  ): ConstantEffect {
    const [low, high] = this.ranges.get(constant)!;
    const end = (factor: number): number =>
      searches.find((each) => each.line === line && each.constant === constant && each.end === factor)
        ?.holds ?? factor;
    return {
      line: text,
      claim: claim ?? refutes ?? "",
      constant,
      value: this.constants.get(constant)!.value,
      tried: [low, high],
      holds: [end(low), end(high)],
    };
  }

  /** Whether each line holds, for each constant times a factor; cells that do not rest on it are as they were. */
  private async verdictsAt(
    stage: SensitivityStage,
    moved: readonly { readonly constant: string; readonly factor: number }[],
    base: readonly CellOutcome[],
    resting: Resting,
  ): Promise<boolean[][] | undefined> {
    const { cells } = this.plan;
    const trials = moved.flatMap(({ constant, factor }) =>
      cells
        .filter((cell) => resting.get(cell)!.has(constant))
        .map((cell): Trial => ({ cell, change: scaled(constant, factor) })),
    );
    const outcomes = await this.try(stage, trials);
    if (outcomes === undefined) return undefined;
    let next = 0;
    return moved.map(({ constant }) => {
      const own = cells.map((cell) =>
        resting.get(cell)!.has(constant) ? outcomes[next++]! : base[cell.index]!,
      );
      return checkExpectations(this.plan, rowsFrom(this.plan, own)).map(({ passed }) => passed);
    });
  }

  private raised(names: readonly string[]): Trial["change"] {
    const all = new Set(names);
    return (name, value) => (all.has(name) ? value * this.ranges.get(name)![1] : undefined);
  }

  private try(stage: SensitivityStage, trials: readonly Trial[]): Promise<CellOutcome[] | undefined> {
    const { workers, signal, progress } = this.options;
    this.runs += trials.length;
    return tryAll(this.plan, trials, {
      workers,
      ...(signal === undefined ? {} : { signal }),
      progress: (done, total) => progress?.(stage, done, total),
    });
  }
}

/** Every constant that the cells may rest on: the value in the first cell that has it, and what their profiles say of it. */
function constantsOf({ cells }: Plan): Map<string, { value: number; all: Constant[] }> {
  const found = new Map<string, { value: number; all: Constant[] }>();
  for (const { config } of cells) {
    for (const [name, [value, constant]] of constantsOfCell(config)) {
      const entry = found.get(name) ?? { value, all: [] };
      if (!entry.all.includes(constant)) entry.all.push(constant);
      found.set(name, entry);
    }
  }
  return found;
}

/** The widest of the spread and what the definitions' own ranges say, as factors. */
function factorsOf(constants: readonly Constant[], spread: number): readonly [number, number] {
  let [low, high] = [1 - spread, 1 + spread];
  for (const { value, range } of constants) {
    if (range === undefined || !(value > 0)) continue;
    low = Math.min(low, range[0] / value);
    high = Math.max(high, range[1] / value);
  }
  return [low, high];
}

function refuseUnknown(name: string, known: Iterable<string>): void {
  const names = [...known];
  if (names.includes(name)) return;
  const near = nearestWords(name, names, 1)[0];
  throw new UserError(`no cell of the scenario has a constant ${name}`, {
    mend: near === undefined ? "`virtlab list costs` shows prices" : `did you mean ${near}?`,
  });
}

function isSame(one: CellOutcome, other: CellOutcome): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
