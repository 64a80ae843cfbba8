/**
 * The Xen port, in a stand (testing/xen-stand) that starts the kernel as Xen would and stops when the port does
 * what it says it never does: the same images print what they print on the bare machine.
 */
import { describe, expect, it } from "vitest";
import { commandLine, SELF_TEST, WIDTHS } from "./benchmark.js";
import { CASES, caseValues, expectedChecksum } from "./cases.js";
import { runOnComputer } from "./testing/computer.js";
import { SELF_TEST_ITEMS } from "./testing/self-test-items.js";

/**
 * What needs devices in memory, or instructions for which a hypervisor has to stand in and the stand does not.
 */
const NOT_IN_STAND = new Set(["in", "cr8wr", "tpr", "self-ipi", "rdmsr", "wrmsr", "set-timer", "ticks-apic"]);

describe.each(WIDTHS)("%i-bit", (width) => {
  it("passes its test of itself, whatever executes it", () => {
    const options = { hasDisk: true, isInStand: true };
    const interpreted = runOnComputer(width, SELF_TEST, { engine: "interpreter", ...options });
    const passed = interpreted.console.split("\n").filter((line) => line.startsWith("pass "));
    expect(passed.map((line) => line.slice("pass ".length))).toEqual(SELF_TEST_ITEMS);
    expect(interpreted.outcome).toEqual({ kind: "exit", status: 0 });
    expect(runOnComputer(width, SELF_TEST, { engine: "translator", ...options })).toEqual(interpreted);
  });

  it.each(CASES.filter(({ name, benchmark }) => benchmark.widths.includes(width) && !NOT_IN_STAND.has(name)))(
    "$name",
    (kernelCase) => {
      const line = commandLine(kernelCase.benchmark.name, caseValues(kernelCase, "tiny"));
      const { hasDisk } = kernelCase;
      const run = runOnComputer(width, line, { engine: "translator", hasDisk, isInStand: true });
      expect(run.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
      expect(run.outcome).toEqual({ kind: "exit", status: 0 });
    },
  );
});
