/**
 * The mini-kernel on our own machine: its test of itself passes, and every benchmark gives the checksum that it
 * gives under QEMU, both engines ending with the same console, events and cycles after the same instructions.
 */
import { describe, expect, it } from "vitest";
import { MARK } from "../../machine/devices/marks.js";
import { commandLine, SELF_TEST, WIDTHS } from "./benchmark.js";
import { CASES, caseValues, expectedChecksum } from "./cases.js";
import { runOnComputer } from "./testing/computer.js";
import { SELF_TEST_ITEMS } from "./testing/self-test-items.js";

describe.each(WIDTHS)("%i-bit", (width) => {
  it("passes its test of itself, item by item, whatever executes it", () => {
    const interpreted = runOnComputer(width, SELF_TEST, { engine: "interpreter", hasDisk: true });
    expect(interpreted.console).not.toContain("FAIL");
    const passed = interpreted.console.split("\n").filter((line) => line.startsWith("pass "));
    expect(passed.map((line) => line.slice("pass ".length))).toEqual(SELF_TEST_ITEMS);
    expect(interpreted.outcome).toEqual({ kind: "exit", status: 0 });
    const translated = runOnComputer(width, SELF_TEST, { engine: "translator", hasDisk: true });
    expect(translated).toEqual(interpreted);
  });

  it("passes it without sensitive instructions", () => {
    const { console } = runOnComputer(width, `${SELF_TEST} sensitive=avoid`, { engine: "translator" });
    expect(console).toMatch(/\nok\n$/);
  });

  it.each(CASES.filter(({ benchmark }) => benchmark.widths.includes(width)))("$name", (kernelCase) => {
    const line = commandLine(kernelCase.benchmark.name, caseValues(kernelCase, "tiny"));
    const { hasDisk } = kernelCase;
    const interpreted = runOnComputer(width, line, { engine: "interpreter", hasDisk });
    expect(interpreted.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
    expect(interpreted.outcome).toEqual({ kind: "exit", status: 0 });
    expect(interpreted.marks).toEqual([MARK.begin, MARK.end]);
    const translated = runOnComputer(width, line, { engine: "translator", hasDisk });
    expect(translated).toEqual(interpreted);
  });

  it.each([
    ["bench=forkwait n=x", "not a value of this parameter: n=x"],
    ["bench=forkwait m=3", "unknown parameter: m=3"],
    ["bench=nothing", "there is no benchmark nothing"],
    ["run=nothing", "there is no program /nothing"],
    ["hz=18", "not a value of this parameter: hz=18"],
    ["sensitive=no", "not a value of this parameter: sensitive=no"],
    ["timer=sun", "not a value of this parameter: timer=sun"],
  ])("refuses %s", (line, message) => {
    const { outcome, console } = runOnComputer(width, line, { engine: "interpreter" });
    expect(console).toBe(`${message}\n`);
    expect(outcome).toEqual({ kind: "exit", status: 2 });
  });

  it("says that there is no monitor to call", () => {
    const { outcome, console } = runOnComputer(width, "bench=hypercall", { engine: "interpreter" });
    expect(console).toContain("failed: this machine has no such operation\n");
    expect(outcome).toEqual({ kind: "exit", status: 1 });
  });
});

describe("other processors", () => {
  it.each(["nehalem-2008", "zen-2-2019"])("%s", (profile) => {
    for (const width of WIDTHS) {
      const { console } = runOnComputer(width, SELF_TEST, { engine: "translator", profile });
      expect(console).toMatch(/\nok\n$/);
    }
  });

  it("one that loses decoded code with the TLB, whatever executes it", () => {
    const profile = "northwood-2002";
    const interpreted = runOnComputer(32, SELF_TEST, { engine: "interpreter", profile });
    expect(interpreted.console).toMatch(/\nok\n$/);
    expect(runOnComputer(32, SELF_TEST, { engine: "translator", profile })).toEqual(interpreted);
  });
});
