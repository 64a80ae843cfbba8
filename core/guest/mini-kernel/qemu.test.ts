/**
 * Does the mini-kernel do under QEMU what it does on our machine? Its test of itself passes, and the checksums
 * are the table's (expected.table.ts), which BLESS=1 writes anew from what QEMU gives.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { hasQemu } from "../programs/testing/qemu.js";
import { commandLine, SELF_TEST, WIDTHS, type Width } from "./benchmark.js";
import { CASES, caseValues, expectedChecksum, type KernelCase } from "./cases.js";
import { runOnComputer } from "./testing/computer.js";
import { runInQemu } from "./testing/qemu.js";

const TABLE = path.join(import.meta.dirname, "expected.table.ts");
const isBlessing = process.env["BLESS"] === "1";
const withQemu = hasQemu();
if (!withQemu) console.log("skipped: qemu-system-i386 and qemu-system-x86_64 are not installed");

const lineOf = (kernelCase: KernelCase): string =>
  commandLine(kernelCase.benchmark.name, caseValues(kernelCase, "tiny"));

function widthOf({ benchmark }: KernelCase, index: number): Width {
  return benchmark.widths[index % benchmark.widths.length]!;
}

test.runIf(isBlessing)("the table is rewritten", { timeout: 600_000 }, async () => {
  const lines: string[] = [];
  for (const kernelCase of CASES) {
    const [width] = kernelCase.benchmark.widths;
    const { console } = await runInQemu(width!, lineOf(kernelCase), kernelCase.hasDisk);
    const checksum = /^checksum ([0-9a-f]{8})\nok$/m.exec(console)?.[1];
    if (checksum === undefined) throw new Error(`${kernelCase.name}: ${console}`);
    lines.push(`  "${kernelCase.name}": "${checksum}",\n`);
  }
  const before = readFileSync(TABLE, "utf8");
  writeFileSync(TABLE, `${before.slice(0, before.indexOf(" = {"))} = {\n${lines.join("")}};\n`);
});

describe.runIf(withQemu && !isBlessing).concurrent("under QEMU", () => {
  for (const width of WIDTHS) {
    test(`${width}-bit: the kernel's test of itself prints the same`, async () => {
      const { status, console } = await runInQemu(width, SELF_TEST, true);
      expect(console).toBe(runOnComputer(width, SELF_TEST, { engine: "translator", hasDisk: true }).console);
      expect(status).toBe(0);
    });
    // Each case in one width, by turns: starting QEMU takes longer than most of them.
    for (const kernelCase of CASES.filter((each, index) => widthOf(each, index) === width))
      test(`${width}-bit: ${kernelCase.name} prints the same`, async () => {
        const line = lineOf(kernelCase);
        const { hasDisk } = kernelCase;
        const { status, console } = await runInQemu(width, line, hasDisk);
        expect(console).toBe(runOnComputer(width, line, { engine: "translator", hasDisk }).console);
        expect(console).toContain(`checksum ${expectedChecksum(kernelCase)}\n`);
        expect(status).toBe(0);
      });
  }
});
