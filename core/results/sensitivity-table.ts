/** sensitivity.csv: a line for each conclusion and constant, with the factors over which the one holds as the other moves. */
import type { Row } from "../scenario/index.js";
import { humanNumber } from "./humanise.js";

/** What one constant does to one conclusion (lab/sensitivity.ts measures it). */
export interface ConstantEffect {
  /** The line of `expect:`. */
  readonly line: string;
  /** The claim that it confirms or contradicts; else empty. */
  readonly claim: string;
  readonly constant: string;
  /** As it is, in the first cell that has it: cycles; of hosts ns, bytes or a share. */
  readonly value: number;
  /** Factors that were tried, and those from which to which the line holds. */
  readonly tried: readonly [low: number, high: number];
  readonly holds: readonly [low: number, high: number];
}

export const SENSITIVITY_COLUMNS = [
  "claim",
  "line",
  "constant",
  "value",
  "tried_from",
  "tried_to",
  "holds_from",
  "holds_to",
] as const;

export function sensitivityRows(effects: readonly ConstantEffect[]): Row[] {
  return effects.map(({ line, claim, constant, value, tried, holds }) => ({
    claim,
    line,
    constant,
    value,
    tried_from: tried[0],
    tried_to: tried[1],
    holds_from: holds[0],
    holds_to: holds[1],
  }));
}

/** Whether the conclusion fails somewhere in the constant's range. */
export function isLimiting({ tried, holds }: ConstantEffect): boolean {
  return tried[0] !== holds[0] || tried[1] !== holds[1];
}

/** Factors as values: "300 to 900". */
export function intervalText([low, high]: readonly [number, number], value: number): string {
  return `${humanNumber(low * value)} to ${humanNumber(high * value)}`;
}
