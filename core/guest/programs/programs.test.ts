/**
 * Does every image do under QEMU what the table expects? BLESS=1 runs all sizes and rewrites the table
 * (expected.table.ts) from what QEMU gives; otherwise tiny alone runs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { RUN_SIZES, type RunSize } from "../../util/parameters.js";
import { CASES, caseValues, expectedResult, type ProgramCase } from "./cases.js";
import { PROGRAMS } from "./definitions.js";
import { imageFile, WIDTHS, type Width } from "./program.js";
import { hasQemu, runInQemu } from "./testing/qemu.js";

const TABLE = path.join(import.meta.dirname, "expected.table.ts");
const isBlessing = process.env["BLESS"] === "1";
const withQemu = hasQemu();
if (!withQemu) console.log("skipped: qemu-system-i386 and qemu-system-x86_64 are not installed");

/** Runs a case in a width and returns what came out. Throws what the guest printed if it did not end well. */
async function measure(of: ProgramCase, size: RunSize, width: Width) {
  const run = await runInQemu(of.program.name, width, caseValues(of, size));
  if (run.status !== 0 || run.checksum === undefined) throw new Error(`status ${run.status}: ${run.console}`);
  return run;
}

/** A line of the table. */
async function measureCase(of: ProgramCase, size: RunSize): Promise<string> {
  let checksum: string | undefined;
  const instructions: string[] = [];
  for (const width of of.widths) {
    const run = await measure(of, size, width);
    if (checksum !== undefined && run.checksum !== checksum) throw new Error(`${of.name}: widths differ`);
    checksum = run.checksum;
    if (of.isCountable) instructions.push(`${width}: ${run.instructions}`);
  }
  const counts = of.isCountable ? `, instructions: { ${instructions.join(", ")} }` : "";
  return `  "${of.name} ${size}": { checksum: "${checksum}"${counts} },\n`;
}

async function inParallel<T>(jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const index = next++;
      results[index] = await jobs[index]!();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

test.runIf(isBlessing)("the table is rewritten", { timeout: 600_000 }, async () => {
  const jobs = CASES.flatMap((of) => RUN_SIZES.map((size) => () => measureCase(of, size)));
  const lines = await inParallel(jobs);
  const before = readFileSync(TABLE, "utf8");
  const head = before.slice(0, before.indexOf(" = {") + " = {".length);
  writeFileSync(TABLE, `${head}\n${lines.join("")}};\n`);
});

describe.runIf(withQemu && !isBlessing).concurrent("images under QEMU give what the table expects", () => {
  for (const of of CASES)
    test(of.name, async () => {
      const expected = expectedResult(of, "tiny");
      for (const width of of.widths) {
        const run = await measure(of, "tiny", width);
        expect(run.checksum).toBe(expected.checksum);
        if (of.isCountable) expect(run.instructions).toBe(expected.instructions![width]);
      }
    });
});

test.skipIf(isBlessing)("every case has expectations at every size", () => {
  for (const of of CASES)
    for (const size of RUN_SIZES) {
      const expected = expectedResult(of, size);
      expect(expected?.checksum, `${of.name} ${size}`).toMatch(/^[0-9a-f]{8}$/);
      if (of.isCountable)
        for (const width of of.widths) expect(expected.instructions![width]).toBeGreaterThan(0);
    }
});

test("every program has a case, images with a multiboot header, and small ones", () => {
  const MULTIBOOT_HEADER_MAGIC = Uint8Array.of(0x02, 0xb0, 0xad, 0x1b);
  for (const program of PROGRAMS) {
    expect(CASES.some((of) => of.program === program)).toBe(true);
    for (const width of WIDTHS) {
      const image = readFileSync(path.join(import.meta.dirname, imageFile(program.name, width)));
      expect(image.length).toBeLessThan(64 * 1024);
      const place = image.indexOf(MULTIBOOT_HEADER_MAGIC);
      expect(place).toBeGreaterThan(0);
      expect(place).toBeLessThan(8192);
    }
  }
});
