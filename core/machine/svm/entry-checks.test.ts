/** Each check of VMRUN, by itself: a control block that meets all is changed in one way, and that check alone is named. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import { makeHardwareComputer } from "../../monitor/hardware-assisted/computer.js";
import type { SvmVendor } from "../../monitor/hardware-assisted/svm.js";
import { PLAIN } from "../testing/plain.js";
import { VMRUN_CHECKS } from "./entry-checks.js";
import { SVM_EXIT } from "./exit-codes.js";
import type { SvmUnit } from "./unit.js";
import { CONTROL, SAVE, VIRTUAL_INTERRUPT } from "./vmcb.js";

const MEMORY = 16 * 2 ** 20;

/** The processor without AVIC for the check that needs one. */
function makeUnit(profile = "zen-2-2019"): SvmUnit {
  const computer = makeHardwareComputer(
    {
      profile: findProfile(profile)!,
      memoryBytes: MEMORY,
      ...PLAIN,
      engine: "interpreter",
    },
    { hostOrder: 0, vpid: true, accessedDirty: true, populate: false },
  );
  const file = new URL("../../guest/programs/images/compute-32.elf", import.meta.url);
  computer.load(loadImage(readFileSync(file), { name: file.pathname, append: "", memoryBytes: MEMORY }));
  // Launched, and no instruction executed.
  computer.run(0);
  const { vendor } = computer.vm;
  return (vendor as SvmVendor).unit;
}

const PG = 0x8000_0000 | 0;
const PAE = 0x20;
const LME = 0x100;

// biome-ignore format: a table
const SPOILT: Readonly<Record<string, (set: (offset: number, bits: number) => void, unit: SvmUnit) => void>> = {
  "EFER.SVME is set": (_set, unit) => unit.write(SAVE.efer, 0),
  "CR0.NW needs CR0.CD": (set, unit) => { unit.write(SAVE.cr0, unit.read(SAVE.cr0) & ~0x4000_0000); set(SAVE.cr0, 0x2000_0000); },
  "CR0 has 32 bits": (_set, unit) => unit.write(SAVE.cr0, unit.read(SAVE.cr0), 1),
  "CR3 has no reserved bits": (_set, unit) => unit.write(SAVE.cr3, 0, 1 << 30),
  "CR4 has no reserved bits": (set) => set(SAVE.cr4, 1 << 30),
  "DR6 has 32 bits": (_set, unit) => unit.write(SAVE.dr6, 0, 1),
  "DR7 has 32 bits": (_set, unit) => unit.write(SAVE.dr7, 0, 1),
  "EFER has no reserved bits": (set) => set(SAVE.efer, 2),
  "long mode needs PAE": (set) => { set(SAVE.efer, LME); set(SAVE.cr0, PG); },
  "long mode needs protection": (set, unit) => {
    set(SAVE.efer, LME);
    set(SAVE.cr4, PAE);
    unit.write(SAVE.cr0, (unit.read(SAVE.cr0) | PG) & ~1);
  },
  "64-bit code has no D": (set) => { set(SAVE.efer, LME); set(SAVE.cr4, PAE); set(SAVE.cr0, PG); set(SAVE.cs, 0x600 << 16); },
  "VMRUN is intercepted": (_set, unit) => unit.write(CONTROL.intercept4, 0),
  "the I/O permissions map is memory": (_set, unit) => unit.write(CONTROL.ioPermissions, 0, 1 << 30),
  "the MSR permissions map is memory": (_set, unit) => unit.write(CONTROL.msrPermissions, 0, 1 << 30),
  "the ASID is not 0": (_set, unit) => unit.write(CONTROL.asid, 0),
  "AVIC is on this processor": (set, unit) => { set(CONTROL.virtualInterrupt, VIRTUAL_INTERRUPT.avic); unit.write(CONTROL.nestedPaging, 1); },
  "AVIC needs nested paging": (set, unit) => { set(CONTROL.virtualInterrupt, VIRTUAL_INTERRUPT.avic); unit.write(CONTROL.nestedPaging, 0); },
  "AVIC's pages are memory": (set, unit) => { set(CONTROL.virtualInterrupt, VIRTUAL_INTERRUPT.avic); unit.write(CONTROL.avicBackingPage, 0, 1 << 30); },
  "the injected event exists": (_set, unit) => unit.write(CONTROL.eventInjection, 0x8000_0302 | 0),
};

describe("VMRUN", () => {
  it("enters a guest whose block meets all checks", () => {
    expect(makeUnit().vmrun()).toBeUndefined();
  });

  it.each(VMRUN_CHECKS.map(({ name }) => name))("refuses unless %s", (name) => {
    const unit = makeUnit(name === "AVIC is on this processor" ? "barcelona-2007" : undefined);
    SPOILT[name]!((offset, bits) => unit.write(offset, unit.read(offset) | bits), unit);
    expect(unit.vmrun()).toBe(name);
    expect(unit.vmcb.low(CONTROL.exitCode)).toBe(SVM_EXIT.invalid);
  });
});
