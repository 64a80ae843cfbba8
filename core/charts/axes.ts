/**
 * Axes and labels from the column dictionary: titles with units, thousands separators, and sizes as "64
 * KiB" directly at the ticks. Vega expressions here only format numbers.
 */
import { type Column, columnOf } from "../results/columns.js";
import { humanValue } from "../results/humanise.js";
import { GIB, KIB, MIB, TIB } from "../util/units.js";

/**
 * "Walk references (count)" says less than "Walk references": units that the label or the ticks already say
 * are left out.
 */
export function axisTitle(column: Column): string {
  const { label, unit } = column;
  if (unit !== "cycles" && unit !== "cycles per reference") return label;
  return label.toLowerCase().startsWith(unit.toLowerCase()) ? label : `${label} (${unit})`;
}

const TRIMMED = "format(datum.value, ',.3~r')";
const NUMBER_LABEL = `abs(datum.value) >= 1e6 ? format(datum.value, '.3~s') : ${TRIMMED}`;
const BYTES_LABEL = [
  ...(
    [
      ["TiB", TIB],
      ["GiB", GIB],
      ["MiB", MIB],
      ["KiB", KIB],
    ] as const
  ).map(([name, size]) => `datum.value >= ${size} ? format(datum.value / ${size}, ',.3~r') + ' ${name}' : `),
  "datum.value + ' B'",
].join("");

const TIME_LABEL = [
  ...(
    [
      ["s", 1e9],
      ["ms", 1e6],
      ["µs", 1e3],
    ] as const
  ).map(([name, size]) => `datum.value >= ${size} ? format(datum.value / ${size}, ',.3~r') + ' ${name}' : `),
  "datum.value + ' ns'",
].join("");

/** The Vega expression that writes a tick of this column. */
export function tickLabel(column: Column): string {
  if (column.unit === "bytes") return BYTES_LABEL;
  if (column.unit === "nanoseconds") return TIME_LABEL;
  if (column.unit === "share") return "format(datum.value, '.3~%')";
  if (column.unit === "ratio") return `${TRIMMED} + '×'`;
  return NUMBER_LABEL;
}

/** Words that name themselves: `gups` needs no "Workload:" before it. */
const SPEAKING = new Set(["technique", "workload", "profile"]);

/** One value as a label standing alone: "gups", "4K pages", "Host page: 2M". */
export function valueLabel(name: string, value: string | number): string {
  const text = humanValue(name, value);
  if (name === "page") return `${text} pages`;
  return SPEAKING.has(name) ? text : `${columnOf(name).label}: ${text}`;
}

/** One value within a sentence: "gups", "4K pages", "host page 2M". */
export function valuePhrase(name: string, value: string | number): string {
  const label = valueLabel(name, value);
  return label.replace(/^(.)([^:]*): /, (_, first: string, rest: string) => `${first.toLowerCase()}${rest} `);
}

/** At most `most` of the values, evenly spaced, for ticks. @param values ascending. */
export function thinned(values: readonly number[], most: number): number[] {
  const step = Math.ceil(values.length / most);
  return values.filter((_, index) => index % step === 0);
}

/** 1, 2 and 5 of each decade within the domain; fewer where it is wide. */
export function logTicks(from: number, to: number): number[] {
  const ratio = to / from;
  const steps = ratio > 2_000 ? [1] : ratio > 80 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(from)); decade <= Math.ceil(Math.log10(to)); decade++) {
    for (const step of steps) ticks.push(Number((step * 10 ** decade).toPrecision(3)));
  }
  return ticks.filter((tick) => tick >= from && tick <= to);
}

/** About `count` ticks from 0 to `most` bytes, a power of two apart. */
export function binaryTicks(most: number, count: number): number[] {
  const step = most > 0 ? 2 ** Math.ceil(Math.log2(most / count)) : 1;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}
