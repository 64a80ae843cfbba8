/** Every vector on each engine. Failures are listed by row of the instruction table. */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { decode } from "../../x86/decode.js";
import type { Instruction } from "../../x86/instruction.js";
import { compareVector } from "./compare.js";
import { EngineTarget } from "./engine-target.js";
import { type Engine, KNOWN_DIFFERENCES, type KnownDifference } from "./known-differences.js";
import { readVectors, type Vector } from "./reader.js";
import { undefinedFlags } from "./undefined-flags.js";

/** More vectors: a folder that scripts/vectors/record.mjs --out has filled. */
const DATA = process.env["VECTORS"] ?? new URL("data/", import.meta.url).pathname;

const files = readdirSync(DATA, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".txt"))
  .map((name) => name.replace(/\.txt$/, ""))
  .sort();

const isOf = (one: KnownDifference, engine: Engine): boolean =>
  one.engine === undefined || one.engine === engine;

/** The row of the table that a vector tests; of a sequence, its own title. */
function rowOf(instruction: Instruction | string, vector: Vector): string {
  if (typeof instruction === "string" || vector.title.startsWith("sequence")) return vector.title;
  const { name, syntax, opcode } = instruction.row;
  return `${name} ${syntax.join(", ")} (${opcode})`;
}

/** Lines of what differs, first vectors of each row; and which known differences were met. */
function runFile(
  engine: Engine,
  target: EngineTarget,
  file: string,
): { lines: string[]; known: Set<number> } {
  const byRow = new Map<string, string[]>();
  const known = new Set<number>();
  for (const vector of readVectors(readFileSync(`${DATA}/${file}.txt`, "utf8"))) {
    const instruction = decode(vector.bytes, 0, vector.mode);
    const free =
      typeof instruction === "string" || vector.title.startsWith("sequence")
        ? 0
        : undefinedFlags(instruction, vector.initial, vector.fault !== undefined);
    const difference = compareVector(target, vector, free);
    if (difference === "") continue;
    const index = KNOWN_DIFFERENCES.findIndex(
      (one) => isOf(one, engine) && one.file.test(file) && one.title.test(vector.title),
    );
    if (index >= 0) known.add(index);
    else {
      const row = rowOf(instruction, vector);
      byRow.set(row, [...(byRow.get(row) ?? []), difference]);
    }
  }
  const lines = [...byRow].map(([row, all]) => `${row}: ${all.length} differ, as ${all[0]}`);
  return { lines, known };
}

describe.each<Engine>(["interpreter", "translator"])("the %s does what a processor did", (engine) => {
  let target: EngineTarget;
  const known = new Set<number>();
  beforeAll(() => {
    target = new EngineTarget(engine);
  });

  test.each(files)("%s", (file) => {
    const result = runFile(engine, target, file);
    for (const index of result.known) known.add(index);
    expect(result.lines).toEqual([]);
  });

  test.runIf(process.env["VECTORS"] === undefined)("known differences are still there", () => {
    const gone = KNOWN_DIFFERENCES.filter((one, index) => isOf(one, engine) && !known.has(index));
    expect(gone.map(({ reason }) => reason)).toEqual([]);
  });
});
