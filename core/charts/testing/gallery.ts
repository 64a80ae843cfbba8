/**
 * Each kind of chart with rows to draw: what the golden specifications are made from, and what one looks
 * at.
 */
import type { ChartSpec } from "../../scenario/charts.js";
import type { Row } from "../../scenario/scenario.js";
import type { ChartContext } from "../chart.js";
import { eptRows, memoryRows, reachRows } from "./rows.js";

export interface GalleryChart {
  readonly name: string;
  readonly chart: ChartSpec;
  readonly rows: readonly Row[];
  readonly context: ChartContext;
}

const EPT: ChartContext = { axes: ["technique", "workload", "page"], baseline: { technique: "native" } };
const REACH: ChartContext = { axes: ["technique", "footprint"], baseline: { technique: "native" } };
const MEMORY: ChartContext = { axes: ["technique", "processes"] };

/** All pictures. */
export function gallery(): GalleryChart[] {
  const ept = eptRows();
  const reach = reachRows();
  const memory = memoryRows();
  return [
    {
      name: "stack",
      rows: ept,
      context: EPT,
      chart: { kind: "stack", x: "technique", facet: "workload", title: "Where the cycles go" },
    },
    {
      name: "stack-one-panel",
      rows: ept,
      context: EPT,
      chart: { kind: "stack", where: "workload == 'gups' and page == '4K'" },
    },
    {
      name: "stack-relative",
      rows: ept,
      context: EPT,
      chart: { kind: "stack", facet: "workload", baseline: "native", where: "page == '4K'" },
    },
    {
      name: "compare",
      rows: ept,
      context: EPT,
      chart: { kind: "compare", value: "slowdown", baseline: "native" },
    },
    {
      name: "compare-one-axis",
      rows: ept,
      context: EPT,
      chart: {
        kind: "compare",
        value: "slowdown",
        baseline: "native",
        where: "workload == 'gups' and page == '4K'",
      },
    },
    {
      name: "compare-memory",
      rows: memory,
      context: MEMORY,
      chart: { kind: "compare", value: "guest_tables_bytes", baseline: "native" },
    },
    {
      name: "sweep",
      rows: reach,
      context: REACH,
      chart: { kind: "sweep", x: "footprint", y: "cycles_per_reference", title: "TLB reach" },
    },
    {
      name: "sweep-relative",
      rows: reach,
      context: REACH,
      chart: { kind: "sweep", x: "footprint", y: "slowdown" },
    },
    {
      name: "sweep-bytes",
      rows: memory,
      context: MEMORY,
      chart: { kind: "sweep", x: "processes", y: "shadow_tables_bytes" },
    },
    {
      name: "multiples",
      rows: ept,
      context: EPT,
      chart: { kind: "multiples", x: "technique", value: "walk_cycles_share", facet: "workload" },
    },
    {
      name: "multiples-grouped",
      rows: ept,
      context: EPT,
      chart: {
        kind: "multiples",
        x: "workload",
        value: "cycles_per_reference",
        facet: "page",
        color: "technique",
      },
    },
    {
      name: "multiples-lines",
      rows: memory,
      context: MEMORY,
      chart: { kind: "multiples", x: "processes", value: "cycles", facet: "technique" },
    },
    {
      name: "inline",
      rows: ept,
      context: EPT,
      chart: {
        title: "Misses against cycles",
        spec: {
          width: 480,
          height: 320,
          mark: "point",
          encoding: {
            x: {
              field: "tlb_miss_rate",
              type: "quantitative",
              title: "TLB miss rate",
              axis: { format: "%" },
            },
            y: { field: "cycles_per_reference", type: "quantitative", title: "Cycles per reference" },
            color: { field: "technique", type: "nominal", title: "Technique" },
          },
        },
      },
    },
    {
      name: "empty",
      rows: ept,
      context: EPT,
      chart: { kind: "stack", where: "technique == 'paravirtual/direct' and page == '2M'" },
    },
  ];
}
