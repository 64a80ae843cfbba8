/**
 * Numbers as people read them, by their column's unit: for summaries, chart labels and the report. Never
 * for files that are compared (csv.ts writes those exactly).
 */
import { formatBytes } from "../util/units.js";
import { type ColumnUnit, columnOf } from "./columns.js";

const SUFFIXES: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
];

/** 1234567 → "1.23M", 12345 → "12,345", 0.01234 → "0.0123": three digits, no exponent unless below 0.0001. */
export function humanNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  for (const [unit, suffix] of SUFFIXES) if (size >= unit) return `${digits(value / unit)}${suffix}`;
  if (size >= 1000) return grouped(Math.round(value));
  return size < 1e-4 ? value.toExponential(1) : digits(value);
}

/** Three significant digits, trailing zeros dropped. */
function digits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 1000 ? grouped(rounded) : String(rounded);
}

/** 1234567 → "1,234,567". */
export function grouped(value: number): string {
  const [whole, fraction] = String(value).split(".");
  const text = whole!.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? text : `${text}.${fraction}`;
}

/** Nanoseconds: 1234567 → "1.23 ms". */
export function duration(nanoseconds: number): string {
  const [size, unit] = TIMES.find(([least]) => Math.abs(nanoseconds) >= least) ?? [1, "ns"];
  return `${digits(nanoseconds / size)} ${unit}`;
}

const TIMES: readonly (readonly [number, string])[] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

/** 0.1234 → "12.3%". */
export function percent(share: number): string {
  return `${digits(share * 100)}%`;
}

/** An error: 0.1234 → "+12%", -0.0345 → "-3.5%", 1e-8 → "0%". */
export function signedPercent(share: number): string {
  const size = Math.abs(share) * 100;
  const text = size < 9.95 ? size.toFixed(1).replace(/\.0$/, "") : grouped(Math.round(size));
  return text === "0" ? "0%" : `${share < 0 ? "-" : "+"}${text}%`;
}

/** 1.2345 → "1.23×". */
export function times(ratio: number): string {
  return `${ratio >= 0.995 && ratio < 9.995 ? ratio.toFixed(2) : humanNumber(ratio)}×`;
}

/** One value of a column as text; text stays as it is. */
export function humanValue(name: string, value: string | number): string {
  return typeof value === "number" ? humanInUnit(columnOf(name).unit, value) : value;
}

export function humanInUnit(unit: ColumnUnit, value: number): string {
  switch (unit) {
    case "bytes":
      return Number.isInteger(value) ? formatBytes(value) : formatBytes(Math.round(value));
    case "nanoseconds":
      return duration(value);
    case "share":
      return percent(value);
    case "ratio":
      return times(value);
    default:
      return humanNumber(value);
  }
}
