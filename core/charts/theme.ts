/**
 * How every chart looks: type, greys, colours. The colours are Okabe and Ito's (2008), which people with
 * any common colour blindness can tell apart, and lighter and darker tones of them: guest cycles are blues,
 * translation orange to red, virtualization purple. A category or technique has the same colour in every
 * chart.
 */

import { PHASE_METRICS } from "../container/metrics.js";
import { CYCLE_CATEGORIES, type CycleCategoryName } from "../events/categories.js";
import { LEDGER_METRICS } from "../host/metrics.js";
import { TECHNIQUES } from "../system/techniques.js";

/** JupyterLab and VS Code know no version 6; the specifications here mean the same in both. */
export const VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

/**
 * The font of pictures (fonts.ts measures it), and what a browser without it takes: Verdana has nearly its
 * widths.
 */
export const FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif";

export const INK = "#1b1f24";
export const GREY = "#57606a";
/** Of one line where colour tells nothing apart. */
export const PLAIN = "#0072b2";

export const CATEGORY_COLOURS: Readonly<Record<CycleCategoryName, string>> = {
  guest_user: "#0b3c6f",
  guest_kernel: "#0072b2",
  guest_memory: "#56b4e9",
  guest_fault: "#9fd0ee",
  guest_switch: "#d4e9f6",
  tlb_l2: "#f6dfa0",
  walk_guest: "#e69f00",
  walk_host: "#d55e00",
  idle: "#d0d7de",
  transition: "#cc79a7",
  monitor: "#7b2d5e",
  monitor_user: "#e8c1da",
  translator: "#5e4fa2",
};

/** Labels and colours of the cycle categories in the order of a stack. */
export const CATEGORY_SCALE = CYCLE_CATEGORIES.map(({ name, label }) => ({
  column: `cycles_${name}`,
  label,
  colour: CATEGORY_COLOURS[name],
}));

const LEDGER_COLOURS: Readonly<Record<string, string>> = {
  ledger_application_bytes: "#0072b2",
  ledger_files_private_bytes: "#56b4e9",
  ledger_files_shared_bytes: "#009e73",
  ledger_files_unmapped_bytes: "#b7e2d4",
  ledger_guest_system_bytes: "#e69f00",
  ledger_monitor_bytes: "#7b2d5e",
  ledger_tables_bytes: "#d55e00",
  ledger_kernel_bytes: "#8c959f",
  ledger_merged_bytes: "#cc79a7",
};

/** Columns, labels and colours of a host's memory ledger in the order of a stack; what is free is not drawn. */
export const LEDGER_SCALE = LEDGER_METRICS.filter(({ name }) => name in LEDGER_COLOURS).map(
  ({ name, label }) => ({ column: name, label, colour: LEDGER_COLOURS[name]! }),
);

const PHASE_COLOURS = [
  "#0b3c6f",
  "#0072b2",
  "#56b4e9",
  "#009e73",
  "#b7e2d4",
  "#8c959f",
  "#d0d7de",
  "#7b2d5e",
  "#cc79a7",
  "#d55e00",
  "#e69f00",
  "#f6dfa0",
];

/** Phases of a start in the order of a timeline. */
export const PHASE_SCALE = PHASE_METRICS.map(({ name, label }, index) => ({
  column: name,
  label,
  colour: PHASE_COLOURS[index]!,
}));

/** For values that are not techniques; the first ones also for techniques, in the order of their registry. */
const SERIES = ["#4d5358", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b2d5e"];
const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
  "triangle-left",
];

/** Colour and shape of each value of a column: techniques keep theirs, others take theirs by order. */
export function seriesScale(
  column: string,
  values: readonly string[],
): { colours: string[]; shapes: string[] } {
  const registry = TECHNIQUES.map(({ name }) => name);
  const foreign = values.filter((value) => column !== "technique" || !registry.includes(value));
  const position = (value: string): number => {
    const other = foreign.indexOf(value);
    if (other < 0) return registry.indexOf(value);
    return column === "technique" ? registry.length + other : other + 1;
  };
  const at = (list: readonly string[], value: string): string => list[position(value) % list.length]!;
  return {
    colours: values.map((value) => at(SERIES, value)),
    shapes: values.map((value) => at(SHAPES, value)),
  };
}

/** The Vega-Lite config of every chart. */
export const THEME = {
  font: FONT_FAMILY,
  background: "#ffffff",
  padding: 12,
  title: {
    anchor: "start",
    fontSize: 16,
    fontWeight: "bold",
    color: INK,
    offset: 14,
    frame: "bounds",
    subtitleColor: GREY,
    subtitleFontSize: 12,
    subtitlePadding: 5,
    subtitleLineHeight: 16,
  },
  axis: {
    labelColor: INK,
    labelFontSize: 11,
    titleColor: GREY,
    titleFontSize: 11.5,
    titleFontWeight: "normal",
    titlePadding: 8,
    domainColor: GREY,
    tickColor: GREY,
    gridColor: "#eaeef2",
    labelPadding: 4,
    labelLimit: 260,
    labelFlush: false,
  },
  legend: {
    labelColor: INK,
    labelFontSize: 11,
    titleColor: GREY,
    titleFontSize: 11.5,
    titleFontWeight: "normal",
    symbolSize: 110,
    columnPadding: 16,
    rowPadding: 4,
    labelLimit: 240,
  },
  header: {
    labelColor: INK,
    labelFontSize: 12,
    labelFontWeight: "bold",
    labelPadding: 6,
    labelLimit: 420,
    title: null,
  },
  view: { stroke: null },
  line: { strokeWidth: 2 },
  point: { size: 55, filled: true },
  text: { color: INK, fontSize: 10.5 },
  range: { category: SERIES },
} as const;
