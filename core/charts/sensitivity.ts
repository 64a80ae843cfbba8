/**
 * Over which part of a constant's range a conclusion holds, as a picture: a line for each conclusion and constant that limits it, the range
 * tried in grey, the part where it holds in colour. A pure function of the rows of sensitivity.csv.
 */
import { humanNumber } from "../results/humanise.js";
import type { Row } from "../scenario/scenario.js";
import { pictureOf } from "./chart.js";
import { PANEL, type Spec } from "./drawing.js";
import { wrapped } from "./notes.js";
import { GREY, PLAIN } from "./theme.js";

const WIDTH = 420;
const STEP = 22;
const LABEL_WIDTH = 90;

/** Undefined where no constant limits any conclusion. */
export function sensitivityChart(rows: readonly Row[], title: string): Spec | undefined {
  const limited = rows.filter(
    (row) => row["holds_from"] !== row["tried_from"] || row["holds_to"] !== row["tried_to"],
  );
  if (limited.length === 0) return undefined;
  const values = limited.map(
    (row): Spec => ({
      [PANEL]: wrapped(`${row["claim"] === "" ? "" : `${row["claim"]}: `}${row["line"]}`, LABEL_WIDTH).join(
        "\n",
      ),
      constant: `${row["constant"]} (${humanNumber(Number(row["value"]))})`,
      triedFrom: row["tried_from"],
      triedTo: row["tried_to"],
      holdsFrom: row["holds_from"],
      holdsTo: row["holds_to"],
      text: `${humanNumber(Number(row["holds_from"]))} to ${humanNumber(Number(row["holds_to"]))}`,
    }),
  );
  const most = Math.max(...limited.map((row) => Number(row["tried_to"])));
  const scale = { domain: [0, most * 1.02], nice: false };
  const x = (field: string): Spec => ({
    field,
    type: "quantitative",
    scale,
    title: "times the value as it is",
  });
  const y = { field: "constant", type: "nominal", title: null, axis: { ticks: false, domain: false } };
  const tooltip = [
    { field: "constant", title: "Constant" },
    { field: "text", title: "Holds" },
  ];
  const bar = (from: string, to: string, color: string, height: number): Spec => ({
    mark: { type: "bar", color, height },
    encoding: { x: x(from), x2: { field: to }, y, tooltip },
  });
  const panels = [...new Set(values.map((value) => value[PANEL]))];
  const view = {
    data: { values },
    facet: {
      row: {
        field: PANEL,
        type: "nominal",
        sort: panels,
        title: null,
        header: {
          labelAngle: 0,
          labelAlign: "left",
          labelAnchor: "start",
          labelOrient: "top",
          labelFontSize: 11,
          labelLimit: 700,
          labelExpr: "split(datum.value, '\\n')",
        },
      },
    },
    spec: {
      width: WIDTH,
      height: { step: STEP },
      layer: [
        bar("triedFrom", "triedTo", "#d0d7de", 6),
        bar("holdsFrom", "holdsTo", PLAIN, 12),
        {
          data: { values: [{}] },
          mark: { type: "rule", color: GREY },
          encoding: { x: { datum: 1, type: "quantitative", scale } },
        },
      ],
    },
    resolve: { scale: { y: "independent" } },
    spacing: 14,
  };
  const drawing = {
    view,
    title,
    subtitle: "grey: the range tried; blue: where the conclusion holds; no other constant limits it",
    notes: [],
    width: WIDTH + 260,
  };
  return pictureOf(drawing, []);
}
