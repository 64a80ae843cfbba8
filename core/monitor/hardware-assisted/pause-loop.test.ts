/**
 * Loops of PAUSE that leave: pause-loop exiting (Intel SDM vol. 3, 26.1.3) and the pause filter (AMD APM vol. 2, 15.14.4), with KVM's
 * windows, which double with each exit. The guest is what it is natively.
 */
import { describe, expect, it } from "vitest";
import { EXIT } from "../../events/exit-reasons.js";
import { findProfile } from "../../events/profiles/index.js";
import { type Body, exitGuest, ORIGIN } from "../../guest/exits/guests.js";
import { loadImage } from "../../guest/images/image.js";
import { Computer, type GuestComputer } from "../../machine/computer.js";
import { PauseFilter } from "../../machine/svm/pause-filter.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { SECONDARY } from "../../machine/vmx/controls.js";
import { FIELD } from "../../machine/vmx/fields.js";
import { PauseLoop } from "../../machine/vmx/pause-loop.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { makeHardwareComputer } from "./computer.js";
import type { VmxVendor } from "./vmx.js";

const { ecx } = REGISTERS;
const MEMORY = 2 ** 21;
const NESTED = { hostOrder: 0, vpid: true, accessedDirty: true, populate: false } as const;

const loop =
  (pauses: number): Body =>
  (code) => {
    const again = code.unique("again");
    code.emit("mov", ecx, pauses).label(again).emit("pause").emit("dec", ecx).emit("jne", again);
  };

const imageOf = (pauses: number) =>
  loadImage(exitGuest(loop(pauses), undefined, 1), {
    ...{ kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY },
  });

/** One loop before the marks, and one between them. */
function run(computer: GuestComputer, pauses: number): GuestComputer {
  computer.load(imageOf(pauses));
  expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
  return computer;
}

const options = (profile: string, engine: "interpreter" | "translator") =>
  ({ profile: findProfile(profile)!, memoryBytes: MEMORY, ...PLAIN, engine }) as const;

describe("a loop of PAUSE", () => {
  it.each([
    ["skylake-2015", true, 30_000, 4],
    ["skylake-2015", false, 30_000, 0],
    ["skylake-2015", true, 2_000, 0],
    ["nehalem-2008", true, 30_000, 0],
    // Counts of 3,000, 6,000, 12,000, 24,000, of 60,000.
    ["zen-2-2019", true, 30_000, 4],
    ["zen-2-2019", true, 2_900, 0],
    ["barcelona-2007", true, 30_000, 0],
  ] as const)("on %s, watched %s, of %i", (profile, pauseLoopExiting, pauses, exits) => {
    const native = run(new Computer(options(profile, "translator")), pauses);
    for (const engine of ["interpreter", "translator"] as const) {
      const { machine, engine: code } = run(
        makeHardwareComputer(options(profile, engine), { ...NESTED, pauseLoopExiting }),
        pauses,
      );
      expect(machine.counters.exits[EXIT.pause]).toBe(exits);
      expect(machine.counters.totalCycles).toBe(code.now());
      expect(code.instructions).toBe(native.engine.instructions);
    }
  });

  it("cannot be watched on a processor without", () => {
    const computer = makeHardwareComputer(options("nehalem-2008", "interpreter"), NESTED);
    computer.load(imageOf(1));
    computer.run(0);
    const { unit } = computer.vm.vendor as VmxVendor;
    const controls = unit.read(FIELD.secondaryControls)[0];
    unit.write(FIELD.secondaryControls, controls | SECONDARY.pauseLoopExiting);
    expect(unit.vmresume()).toMatchObject({ kind: "fail-valid", check: "secondary controls are allowed" });
  });
});

it("PLE: a pause longer than the gap begins another loop, and so does an entry", () => {
  const loop = new PauseLoop();
  const leaves = (now: number): boolean => loop.leaves(now, 100, 250);
  expect([0, 100, 200, 300].map(leaves)).toEqual([false, false, false, true]);
  expect([401, 501, 601].map(leaves)).toEqual([false, false, false]);
  loop.forget();
  expect([650, 750, 850, 900, 901].map(leaves)).toEqual([false, false, false, false, true]);
});

it("the pause filter: a PAUSE beyond the threshold begins the count anew; without one none does", () => {
  const filter = new PauseFilter();
  filter.load();
  const leaves = [0, 10, 200, 210, 220].map((now) => filter.leaves(now, 2, 100));
  expect(leaves).toEqual([false, false, false, false, true]);
  filter.load();
  expect([0, 1000, 2000].map((now) => filter.leaves(now, 2, 0))).toEqual([false, false, true]);
  filter.load();
  expect(filter.leaves(0, 0, 0)).toBe(true);
});
