/**
 * Rows as a run would give them, for tests and pictures: the right columns, and numbers of the right size
 * and shape. They are invented, not measured: a few formulas stand for the machine.
 */
import { CYCLE_CATEGORIES, type CycleCategoryName } from "../../events/categories.js";
import { EVENTS, type EventName } from "../../events/events.js";
import { MEMORY_OWNERS, type MemoryOwnerName } from "../../events/memory-owners.js";
import { withDerived } from "../../results/derived.js";
import type { Row } from "../../scenario/scenario.js";
import { GIB, KIB, MIB } from "../../util/units.js";

const REFERENCES = 2_000_000;
const TECHNIQUES = ["native", "hardware/shadow", "hardware/nested", "paravirtual/direct"] as const;

/**
 * What a workload does to a machine: TLB misses and table writes a thousand references, memory latency of
 * one.
 */
const WORKLOADS = {
  gups: { misses: 920, tableWrites: 0.4, latency: 150, kernel: 0.02 },
  "pointer-chase": { misses: 610, tableWrites: 0.2, latency: 60, kernel: 0.01 },
  forkwait: { misses: 45, tableWrites: 62, latency: 9, kernel: 14 },
  "context-switch": { misses: 130, tableWrites: 1.5, latency: 12, kernel: 4 },
  "page-table-churn": { misses: 70, tableWrites: 110, latency: 6, kernel: 22 },
} as const;

/**
 * technique × workload × page, with slowdowns against native; paravirtual 2M is unsupported and one cell
 * failed.
 */
export function eptRows(): Row[] {
  const rows: Row[] = [];
  for (const technique of TECHNIQUES) {
    for (const [workload, shape] of Object.entries(WORKLOADS)) {
      for (const page of ["4K", "2M"] as const) {
        const axes = { technique, workload, page };
        if (technique === "paravirtual/direct" && page === "2M") {
          rows.push(notDone(axes, "unsupported", "paravirtual/direct maps guests by 4K pages only"));
        } else if (technique === "hardware/shadow" && workload === "forkwait" && page === "2M") {
          rows.push(notDone(axes, "failed", "the worker ended with code 134"));
        } else rows.push(modelled(axes, technique, shape, page === "2M" ? 0.06 : 1));
      }
    }
  }
  return withSlowdown(rows, ["workload", "page"]);
}

/** technique × footprint: TLB reach, as a sweep. */
export function reachRows(): Row[] {
  const rows: Row[] = [];
  for (const technique of TECHNIQUES) {
    for (let footprint = 64 * KIB; footprint <= 64 * GIB; footprint *= 4) {
      const misses = 1000 * Math.max(0, 1 - (2 * MIB) / footprint);
      const latency = 4 + 176 * Math.max(0, 1 - (8 * MIB) / footprint);
      rows.push(
        modelled(
          { technique, footprint },
          technique,
          { misses, tableWrites: 0.05, latency, kernel: 0.01 },
          1,
        ),
      );
    }
  }
  return withSlowdown(rows, ["footprint"]);
}

/** technique × processes: shadow memory, as small multiples. */
export function memoryRows(): Row[] {
  return TECHNIQUES.flatMap((technique) =>
    [1, 4, 16, 64].map((processes) => {
      const row = modelled({ technique, processes }, technique, WORKLOADS["context-switch"], 1);
      const shadow = technique === "hardware/shadow" ? processes * 264 * KIB : 0;
      return withDerived({ ...row, shadow_tables_bytes: shadow, shadow_tables_peak_bytes: shadow });
    }),
  );
}

interface Shape {
  readonly misses: number;
  readonly tableWrites: number;
  readonly latency: number;
  readonly kernel: number;
}

function modelled(
  axes: Readonly<Record<string, string | number>>,
  technique: string,
  shape: Shape,
  missFactor: number,
): Row {
  const misses = Math.round((REFERENCES * shape.misses * missFactor) / 1000);
  const writes = Math.round((REFERENCES * shape.tableWrites) / 1000);
  const nested = technique === "hardware/nested";
  const exitsOf: Record<string, number> = {
    native: 0,
    "hardware/shadow": Math.round(writes * 1.3),
    "hardware/nested": 2048,
    "paravirtual/direct": Math.round(writes / 9),
  };
  const exits = exitsOf[technique] ?? 0;
  const events: Partial<Record<EventName, number>> = {
    references: REFERENCES,
    reads: REFERENCES * 0.7,
    writes: REFERENCES * 0.3,
    tlb_lookups: REFERENCES,
    tlb_misses: misses,
    walks: misses,
    walk_refs: Math.round(misses * (nested ? 6.4 : 1.9)),
    walk_refs_max: nested ? 24 : 4,
    guest_table_writes: writes,
    exits,
  };
  const cycles: Partial<Record<CycleCategoryName, number>> = {
    guest_user: REFERENCES,
    guest_kernel: Math.round(REFERENCES * shape.kernel),
    guest_memory: Math.round(REFERENCES * shape.latency),
    guest_fault: Math.round(writes * 90),
    guest_switch: Math.round(writes * 20),
    tlb_l2: Math.round(REFERENCES * 0.6),
    walk_guest: Math.round(misses * 46),
    walk_host: nested ? Math.round(misses * 71) : 0,
    transition: exits * (technique === "paravirtual/direct" ? 300 : 1009),
    monitor: exits * (nested ? 1800 : 2600),
  };
  const tables = 4 * MIB;
  const memory: Partial<Record<MemoryOwnerName, number>> = {
    guest_data: 256 * MIB,
    guest_tables: tables,
    shadow_tables: technique === "hardware/shadow" ? tables * 1.2 : 0,
    nested_tables: nested ? 2 * MIB : 0,
    monitor_maps: technique === "native" ? 0 : 512 * KIB,
  };
  const row: Record<string, string | number> = { ...head(axes), status: "done", reason: "", cycles: 0 };
  for (const { name } of CYCLE_CATEGORIES) row["cycles"] = Number(row["cycles"]) + (cycles[name] ?? 0);
  for (const { name } of CYCLE_CATEGORIES) row[`cycles_${name}`] = cycles[name] ?? 0;
  for (const { name } of EVENTS) row[name] = events[name as EventName] ?? 0;
  for (const { name } of MEMORY_OWNERS) {
    row[`${name}_bytes`] = memory[name] ?? 0;
    row[`${name}_peak_bytes`] = Math.round((memory[name] ?? 0) * 1.1);
  }
  return withDerived({ ...row, fingerprint: "6f1c20aa" });
}

function notDone(axes: Readonly<Record<string, string | number>>, status: string, reason: string): Row {
  return { ...head(axes), status, reason };
}

function head(axes: Readonly<Record<string, string | number>>): Row {
  const cell = Object.entries(axes)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  return { cell, workload: "gups", page: "4K", ...axes, profile: "nehalem-2008", size: "small", seed: 1 };
}

function withSlowdown(rows: readonly Row[], same: readonly string[]): Row[] {
  return rows.map((row) => {
    const base = rows.find(
      (other) => other["technique"] === "native" && same.every((axis) => other[axis] === row[axis]),
    );
    const known = typeof row["cycles"] === "number" && typeof base?.["cycles"] === "number";
    return { ...row, slowdown: known ? Number(row["cycles"]) / Number(base?.["cycles"]) : "" };
  });
}
