/**
 * Is build B slower than build A on this host? Each measurement is a process of its own, and A and B alternate, so that what
 * else the machine does meets both alike; the difference of a pair is judged, never two stretches of time. A cell is called
 * slower only if
 *
 *   1. a permutation test over the pairs says so (statistics.ts; the processes are the sample: runs inside one process share
 *      its luck, and tests over them raise false alarms),
 *   2. the difference is above the floor, and
 *   3. all of it again with fresh processes says so too.
 *
 * Time is the processor's (less noisy than the wall's where others work too) if both builds can tell it.
 */
import { centre, MOST_PAIRS, signedRanks, signFlipTest } from "../results/statistics.js";
import type { CellConfig } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { median } from "../util/median.js";
import { askTiming, type TimingRequest } from "./host-timing.js";

export interface HostRules {
  /** Pairs of processes: 7 at least can be below alpha (2^-7), and MOST_PAIRS are enumerated; doubled in doubt. */
  readonly pairs: number;
  /** Runs measured in each process; the fastest counts. */
  readonly samples: number;
  /** Most probability of an alarm by chance, for one cell and one stage. */
  readonly alpha: number;
  /** Least relative difference that is told: 0.05 is 5%. */
  readonly floor: number;
}

export const HOST_RULES: HostRules = { pairs: 10, samples: 3, alpha: 0.01, floor: 0.05 };

export interface HostSubject {
  readonly cell: string;
  /** Driver or engine: what the cell exercises. */
  readonly group: string;
  /** As A's and as B's own planner resolves it. */
  readonly a: CellConfig;
  readonly b: CellConfig;
}

/** What one stage found. */
export interface HostStage {
  /** B's time over A's: the Hodges–Lehmann centre over pairs; above 1 is slower. */
  readonly ratio: number;
  /** One-sided, in the direction of the ratio. */
  readonly p: number;
  /** Medians over the processes, seconds. */
  readonly secondsA: number;
  readonly secondsB: number;
}

export interface HostVerdict extends HostStage {
  readonly cell: string;
  readonly group: string;
  readonly verdict: "slower" | "faster" | "same";
  /** The second stage, where the first one found a difference. */
  readonly confirmation: HostStage | undefined;
}

export interface HostComparison {
  readonly clock: "wall" | "processor";
  readonly rules: HostRules;
  readonly cells: readonly HostVerdict[];
  /** Drivers and engines apart. */
  readonly groups: readonly HostGroup[];
  /** Cells. */
  readonly slower: number;
}

export interface HostGroup {
  readonly group: string;
  readonly cells: number;
  /** Geometric mean of the cells' ratios. */
  readonly ratio: number;
}

export interface HostHooks {
  readonly signal?: AbortSignal;
  started?(cell: string, stage: "first" | "confirming"): void;
}

/**
 * Compares builds over cells.
 * @param scripts timing-process.js of A and of B
 * @throws UserError when a process fails
 */
export async function compareHosts(
  scripts: { readonly a: string; readonly b: string },
  subjects: readonly HostSubject[],
  rules: HostRules = HOST_RULES,
  hooks: HostHooks = {},
): Promise<HostComparison> {
  const clock = subjects.length === 0 ? "processor" : await commonClock(scripts, subjects[0]!, hooks.signal);
  const cells: HostVerdict[] = [];
  for (const subject of subjects) {
    const stage = (name: "first" | "confirming"): Promise<HostStage> => {
      hooks.started?.(subject.cell, name);
      return runStage(scripts, subject, rules, clock, hooks.signal);
    };
    const first = await stage("first");
    const suspicion = verdictOf(first, rules);
    const confirmation = suspicion === "same" ? undefined : await stage("confirming");
    const isConfirmed = confirmation !== undefined && verdictOf(confirmation, rules) === suspicion;
    const { cell, group } = subject;
    cells.push({ cell, group, ...first, verdict: isConfirmed ? suspicion : "same", confirmation });
  }
  const slower = cells.filter(({ verdict }) => verdict === "slower").length;
  return { clock, rules, cells, groups: groupsOf(cells), slower };
}

function groupsOf(cells: readonly HostVerdict[]): HostGroup[] {
  return [...new Set(cells.map(({ group }) => group))].map((group) => {
    const logs = cells.filter((cell) => cell.group === group).map(({ ratio }) => Math.log(ratio));
    const ratio = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
    return { group, cells: logs.length, ratio };
  });
}

/** A stage by itself: what the rules say of pairs of seconds. */
export function judge(a: readonly number[], b: readonly number[]): HostStage {
  const logs = a.map((seconds, index) => Math.log(b[index]! / seconds));
  const ratio = Math.exp(centre(logs));
  const ranks = signedRanks(ratio >= 1 ? logs : logs.map((log) => -log));
  return { ratio, p: signFlipTest(ranks), secondsA: median(a), secondsB: median(b) };
}

/** The floor is the same both ways: 5% slower is a ratio of 1.05, 5% faster one of 1 / 1.05. */
export function verdictOf({ ratio, p }: HostStage, { alpha, floor }: HostRules): HostVerdict["verdict"] {
  if (p > alpha) return "same";
  if (ratio >= 1 + floor) return "slower";
  return ratio <= 1 / (1 + floor) ? "faster" : "same";
}

async function runStage(
  scripts: { readonly a: string; readonly b: string },
  subject: HostSubject,
  rules: HostRules,
  clock: "wall" | "processor",
  signal: AbortSignal | undefined,
): Promise<HostStage> {
  const { samples } = rules;
  return stageOf(async (side) => {
    const request = { config: subject[side], samples, clock };
    return (await answer(scripts[side], request, subject.cell, signal)).seconds;
  }, rules);
}

/**
 * Measures pairs, the order within them alternating, and judges them. A difference above the floor that the pairs do not bear out
 * gets as many again: a few disturbed processes shall not hide a slowdown. (Looking twice doubles a stage's chance of a false
 * suspicion at most; the confirming stage squares it.)
 */
export async function stageOf(
  measure: (side: "a" | "b") => Promise<number>,
  rules: HostRules,
): Promise<HostStage> {
  const times: { a: number[]; b: number[] } = { a: [], b: [] };
  const judged = async (pairs: number): Promise<HostStage> => {
    while (times.a.length < pairs) {
      const order = times.a.length % 2 === 0 ? (["a", "b"] as const) : (["b", "a"] as const);
      for (const side of order) times[side].push(await measure(side));
    }
    return judge(times.a, times.b);
  };
  const first = await judged(rules.pairs);
  const isLarge = Math.abs(Math.log(first.ratio)) >= Math.log(1 + rules.floor);
  return isLarge && first.p > rules.alpha ? judged(Math.min(2 * rules.pairs, MOST_PAIRS)) : first;
}

/** Builds of before there was a choice know the wall's clock only; then both are measured by it. */
async function commonClock(
  scripts: { readonly a: string; readonly b: string },
  { cell, a, b }: HostSubject,
  signal: AbortSignal | undefined,
): Promise<"wall" | "processor"> {
  const request = { samples: 1, clock: "processor" } as const;
  const replies = [
    await answer(scripts.a, { config: a, ...request }, cell, signal),
    await answer(scripts.b, { config: b, ...request }, cell, signal),
  ];
  return replies.every(({ clock }) => clock === "processor") ? "processor" : "wall";
}

async function answer(
  script: string,
  request: TimingRequest,
  cell: string,
  signal: AbortSignal | undefined,
): Promise<{ seconds: number; clock: string }> {
  const reply = await askTiming(script, request, signal);
  if ("error" in reply) {
    throw new UserError(`no host time of ${cell}: ${reply.error}`, {
      where: script,
      mend: "choose cells that both builds know, with --only, or compare with a revision nearer to this one",
    });
  }
  return { seconds: reply.timing.min, clock: reply.clock ?? "wall" };
}
