/** Single changes as words: a value, a ratio, a constant, and where cycles come from. For comparison-text.ts. */

import { columnOf } from "./columns.js";
import type { ColumnChange, Comparison, ConstantChange } from "./compare.js";
import { grouped, humanNumber, humanValue, percent } from "./humanise.js";
import type { Cause } from "./propagation.js";

/** `1.23M → 1.5M (+22%, worse)`. */
export function changeText({ column, before, after, relative, isWorse }: ColumnChange): string {
  const notes = [
    relative === undefined ? "" : relativeText(relative),
    isWorse === undefined ? "" : isWorse ? "worse" : "better",
  ];
  const note = notes.filter((text) => text !== "").join(", ");
  return `${movement(column, before, after)}${note === "" ? "" : ` (${note})`}`;
}

/** `100 → 150`, with as many digits as tell them apart. */
export function movement(column: string, before: string | number, after: string | number): string {
  const rounded = [before, after].map((value) => humanValue(column, value));
  const shown =
    rounded[0] === rounded[1] && typeof before === "number" && typeof after === "number"
      ? [before, after].map(grouped)
      : rounded;
  return shown.map((text) => (text === "" ? "nothing" : singleLine(text))).join(" → ");
}

/** 0.0312 → "+3.12%"; small changes are never rounded to nothing. */
export function relativeText(relative: number | undefined): string {
  if (relative === undefined) return "text";
  const sign = relative > 0 ? "+" : "-";
  if (!Number.isFinite(relative)) return relative > 0 ? "from 0" : "below 0";
  const size = Math.abs(relative) * 100;
  return `${sign}${size < 0.01 ? size.toExponential(1) : Number(size.toPrecision(3))}%`;
}

/** `Exits 100 → 150`. */
export function moverText(change: ColumnChange): string {
  return `${columnOf(change.column).label} ${changeText(change)}`;
}

/**
 * `+58,500 of exits and monitor (97.5% of the change): Exits 100 → 150 at 1,170 cycles each`; what another price adds is said
 * behind it.
 */
export function causeText({ group, cycles, share, event }: Cause): string {
  const head = `${signed(cycles)} of ${group} (${percent(share)} of the change)`;
  if (event === undefined) return head;
  const { column, before, after, priceBefore, priceAfter, byCount } = event;
  const { label } = columnOf(column);
  if (before === after)
    return `${head}: ${label} stay ${grouped(before)}, each costs ${movement("cycles", priceBefore, priceAfter)} cycles`;
  const each = `${movement(column, before, after)} at ${humanNumber(priceBefore)} cycles each`;
  const rest = cycles - byCount;
  const isAll = Math.abs(rest) < Math.abs(cycles) / 1000;
  const price = `${signed(byCount)}, and ${signed(rest)} as each costs ${movement("cycles", priceBefore, priceAfter)}`;
  return `${head}: ${label} ${each}${isAll ? "" : `: ${price}`}`;
}

/** `costs.vm_exit of nehalem-2008: 1,009 → 1,100`. */
export function constantText({ profile, name, before, after }: ConstantChange): string {
  const value = (of: string | number): string => (typeof of === "number" ? grouped(of) : of);
  return `${name} of ${profile}: ${value(before)} → ${value(after)}`;
}

/** Host times of two runs that were not interleaved. */
export function timingText({ timing }: Comparison): string {
  const { cells, ratio } = timing!;
  const word = ratio > 1 ? "slower" : "faster";
  const size = Number(((ratio > 1 ? ratio : 1 / ratio) * 100 - 100).toPrecision(2));
  return `Host time (noisy, judges nothing): ${size}% ${word} over ${count(cells, "cell")}, by medians.`;
}

/** "1 cell", "3 cells". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Anybody's words on one line. */
export function singleLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

function signed(cycles: number): string {
  const size = Math.abs(cycles);
  const text = size >= 1e6 ? humanNumber(size) : grouped(Number(size.toFixed(size < 10 ? 2 : 0)));
  return `${cycles < 0 ? "-" : "+"}${text} cycles`;
}
