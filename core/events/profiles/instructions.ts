/**
 * Base costs of instruction classes by microarchitecture, in cycles: how long an instruction keeps the core from the next
 * ones in a stream of independent instructions, its reciprocal throughput. Chains of dependent instructions take longer on
 * hardware; the model has no pipeline. Memory, walks and system events are charged apart.
 *
 * The order of columns is that of CORES. Where a row has a source, figures are those that Fog's tables are widely quoted
 * for; rows of microcode vary by operand and are assumed within half to twice.
 */
import type { InstructionClass } from "../instruction-classes.js";
import type { Constant } from "../profile.js";
import { assumed, published } from "./constants.js";

const FOG = "A. Fog, Instruction tables (as cited), reciprocal throughput";
const MICROCODE = "microcode; the order of magnitude of A. Fog's Instruction tables (as cited)";

/** Columns: Prescott; Merom and Penryn; Nehalem and Westmere; Sandy Bridge; Haswell; Skylake; Ice Lake; K10; Zen 2 and 3. */
const CORES = ["netburst", "core2", "nehalem", "sandyBridge", "haswell", "skylake", "iceLake", "k10", "zen"] as const;
export type CoreName = (typeof CORES)[number];

type Row = readonly number[];

/** Rows whose figures are published. */
const PUBLISHED: Readonly<Partial<Record<InstructionClass, Row>>> = {
  //                 NetB  Core2 Neha  Sandy Hasw  Skyl  IceL  K10   Zen
  alu: [0.5, 0.33, 0.33, 0.33, 0.25, 0.25, 0.25, 0.33, 0.25],
  move: [0.5, 0.33, 0.33, 0.33, 0.25, 0.25, 0.25, 0.33, 0.25],
  load: [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
  store: [2, 1, 1, 1, 1, 1, 1, 1, 1],
  push: [2, 1, 1, 1, 1, 1, 1, 1, 1],
  shift: [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.33, 0.5],
  "bit-scan": [4, 1, 1, 1, 1, 1, 1, 1, 0.5],
  multiply32: [2.5, 1, 1, 1, 1, 1, 1, 1, 1],
  multiply64: [8, 4, 2, 1, 1, 1, 1, 2, 2],
  branch: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  call: [2, 2, 2, 2, 2, 2, 2, 2, 2],
  return: [2, 2, 2, 2, 2, 2, 2, 2, 2],
  "sse-move": [1, 0.33, 0.33, 0.33, 0.33, 0.25, 0.25, 0.5, 0.25],
  "sse-alu": [2, 0.5, 0.5, 0.5, 0.5, 0.33, 0.33, 0.5, 0.33],
  "sse-add": [2, 1, 1, 1, 1, 0.5, 0.5, 1, 0.5],
  "sse-multiply": [2, 1, 1, 1, 0.5, 0.5, 0.5, 1, 0.5],
  "sse-convert": [4, 1, 1, 1, 1, 1, 1, 1, 1],
  x87: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  "no-operation": [0.5, 0.33, 0.25, 0.25, 0.25, 0.25, 0.25, 0.33, 0.25],
  prefetch: [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
};

/** Rows of microcode, or whose figures depend on operands. */
const ASSUMED: Readonly<Partial<Record<InstructionClass, Row>>> = {
  divide8: [22, 12, 12, 11, 9, 6, 6, 17, 13],
  divide16: [23, 14, 12, 11, 9, 6, 6, 17, 13],
  divide32: [40, 18, 11, 11, 10, 6, 6, 20, 13],
  divide64: [70, 37, 38, 40, 36, 40, 14, 40, 20],
  string: [2, 1, 1, 1, 1, 1, 1, 2, 1],
  atomic: [90, 20, 20, 20, 19, 18, 18, 16, 17],
  legacy: [20, 10, 10, 10, 10, 10, 10, 8, 10],
  fence: [60, 8, 8, 33, 33, 33, 33, 10, 10],
  flush: [60, 40, 40, 40, 40, 40, 40, 40, 40],
  system: [40, 20, 20, 20, 20, 20, 20, 20, 20],
  "segment-load": [20, 14, 14, 14, 14, 14, 14, 14, 14],
  "far-transfer": [100, 60, 60, 60, 60, 60, 60, 60, 60],
  port: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  "time-stamp": [90, 24, 24, 24, 24, 24, 24, 24, 36],
  random: [300, 300, 300, 300, 300, 300, 300, 300, 300],
  "sse-divide": [32, 18, 16, 14, 10, 4, 4, 15, 5],
  "sse-sqrt": [32, 20, 18, 15, 12, 5, 5, 17, 7],
  "x87-divide": [38, 30, 20, 20, 18, 5, 5, 20, 8],
  "x87-transcendental": [150, 100, 80, 80, 80, 80, 80, 100, 80],
  "x87-state": [200, 90, 80, 70, 70, 60, 60, 80, 70],
};

/**
 * MOV from a control register copies it; what makes MOV to one dear, a serialized pipeline, is not needed. Nobody tabulates it for
 * later cores: the Pentium's clocks, twice as many on NetBurst.
 */
const CONTROL_READ: Row = [8, 4, 4, 4, 4, 4, 4, 4, 4];
const PENTIUM =
  "Intel, Pentium Processor Family Developer's Manual, vol. 3, MOV r32, CR (as cited): 4 clocks, and 12 to 22 of MOV to CR; later cores not measured";

export type InstructionCosts = Readonly<Record<InstructionClass, Constant>>;

/** Base costs on a microarchitecture. */
export function instructionCostsOf(core: CoreName): InstructionCosts {
  const column = CORES.indexOf(core);
  const rows = (
    table: Readonly<Partial<Record<InstructionClass, Row>>>,
    make: (value: number) => Constant,
  ): [string, Constant][] =>
    Object.entries(table).map(([name, row]) => [name, make(row[column]!)]);
  return Object.fromEntries([
    ...rows(PUBLISHED, (value) => published(value, FOG, [value / 2, value * 2])),
    ...rows(ASSUMED, (value) => assumed(value, MICROCODE)),
    ...rows({ "control-read": CONTROL_READ }, (value) => assumed(value, PENTIUM, [value / 2, value * 5])),
  ]) as InstructionCosts;
}
