/**
 * A monitor that is broken on purpose is caught: by a random kernel (lockstep.ts) that ends otherwise than natively, in how it ends,
 * its console, or a byte of its memory; one that loses a change of translation by a kernel made for it (remapping-guests.ts); a
 * paravirtual one by the mini-kernel. For each fault a guest is named that shows it.
 * Sequences of translated code are broken in binary-translation/guests.test.ts.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { timelessGuest } from "../guest/fuzz/timeless-guests.js";
import { commandLine, imageFile } from "../guest/mini-kernel/benchmark.js";
import { CASES, caseValues } from "../guest/mini-kernel/cases.js";
import { EXCEPTION } from "../machine/cpu/state.js";
import { PF_WRITE } from "../machine/mmu/entry.js";
import { GuestCode } from "./binary-translation/guest-code.js";
import { BinaryTranslationMonitor } from "./binary-translation/monitor.js";
import { DeprivilegedMonitor } from "./deprivileged/monitor.js";
import { PrivilegedState } from "./deprivileged/privileged-state.js";
import { InKernelDevices } from "./hardware-assisted/in-kernel-devices.js";
import { MemoryExits } from "./hardware-assisted/memory-exits.js";
import { SvmVendor } from "./hardware-assisted/svm.js";
import { VmxVendor } from "./hardware-assisted/vmx.js";
import { differenceOf, type LockstepTechnique } from "./lockstep.js";
import { ShadowTables } from "./memory/shadow/shadow-tables.js";
import { ShadowedPaging } from "./memory/shadow/shadowed-paging.js";
import { makeParavirtual } from "./paravirtual/computer.js";
import { DirectPaging } from "./paravirtual/direct-paging.js";
import { EventChannels } from "./paravirtual/events.js";
import { endingOf, imageGuest, native, optionsOf } from "./testing/code-guests.js";
import { type Hearing, type Level, remappingGuest, type Use, WIDTHS } from "./testing/remapping-guests.js";

const INTEL = "nehalem-2008";
const AMD = "barcelona-2007";
/** Instructions of a broken guest that never ends: several times those of one that does. */
const BUDGET = 20_000_000;

interface Fault {
  readonly name: string;
  readonly plant: () => void;
}

// biome-ignore lint/suspicious/noExplicitAny: of any class, and private methods too
type Class = { readonly prototype: any };

/** A method that does another thing. */
const replaced = (name: string, of: Class, method: string, by: () => unknown): Fault => ({
  name,
  plant: () => void vi.spyOn(of.prototype, method).mockImplementation(by),
});
/** A property that says another thing. */
const said = (name: string, of: Class, property: string, value: unknown): Fault => ({
  name,
  plant: () => void vi.spyOn(of.prototype, property, "get").mockReturnValue(value),
});
const nothing = (): undefined => undefined;

const NOT_GUARDED = replaced("page tables are not guarded", ShadowTables, "isGuarded", () => false);
const WRONG_CPL = said(
  "a frame shows the CPL that the kernel really has",
  PrivilegedState,
  "isKernel",
  false,
);
const LOST_PORT = replaced(
  "a write to an interrupt controller's port is dropped",
  InKernelDevices,
  "writePort",
  nothing,
);
const LOST_WRITE = replaced("a write to the APIC is dropped", InKernelDevices, "writeMemory", nothing);
const keptStale: Fault = {
  name: "what is stale is executed on",
  plant: () => {
    const prototype = BinaryTranslationMonitor.prototype as unknown as Record<"dropStale", () => void>;
    vi.spyOn(prototype, "dropStale").mockImplementation(function (this: unknown) {
      const monitor = this as { isAllStale: boolean; readonly stale: Set<unknown> };
      monitor.isAllStale = false;
      monitor.stale.clear();
    });
  },
};
const wrongVector = (vendor: Class): Fault =>
  said("an exception comes back as another", vendor, "exceptionVector", EXCEPTION.OF);
const wrongCode: Fault = {
  name: "a page fault's error code has another W",
  plant: () => {
    const prototype = MemoryExits.prototype as unknown as Record<"trueFault", (...of: unknown[]) => void>;
    const { trueFault } = prototype;
    vi.spyOn(prototype, "trueFault").mockImplementation(function (this: unknown, code, vectoring) {
      trueFault.call(this, (code as number) ^ PF_WRITE, vectoring);
    });
  },
};

type Planted = readonly [technique: LockstepTechnique, profile: string, seed: number, fault: Fault];
const FAULTS: readonly Planted[] = [
  ["trap-and-emulate", INTEL, 4, WRONG_CPL],
  [
    "trap-and-emulate",
    INTEL,
    4,
    replaced("a kernel at CPL 3 has its programs' rights", ShadowedPaging, "setRole", nothing),
  ],
  [
    "trap-and-emulate",
    INTEL,
    1,
    replaced("interrupts do not come", DeprivilegedMonitor, "hasInterrupt", () => false),
  ],
  ["binary translation", INTEL, 3, NOT_GUARDED],
  ["binary translation", INTEL, 1, WRONG_CPL],
  [
    "binary translation",
    INTEL,
    5,
    replaced("translations of changed code are kept", GuestCode, "changedIn", () => []),
  ],
  [
    "binary translation",
    INTEL,
    3,
    replaced(
      "an interrupt comes in the midst of an instruction",
      BinaryTranslationMonitor,
      "completeInstruction",
      nothing,
    ),
  ],
  [
    "binary translation",
    INTEL,
    1,
    replaced("interrupts do not come", BinaryTranslationMonitor, "hasInterrupt", () => false),
  ],
  [
    "binary translation",
    INTEL,
    1,
    replaced("what waits for IF is not looked for", BinaryTranslationMonitor, "lookForInterrupt", nothing),
  ],
  ["binary translation", INTEL, 3, keptStale],
  ["hardware/nested", INTEL, 3, LOST_WRITE],
  ["hardware/nested", INTEL, 3, LOST_PORT],
  ["hardware/nested", INTEL, 2, wrongVector(VmxVendor)],
  ["hardware/nested", AMD, 3, LOST_WRITE],
  ["hardware/nested", AMD, 3, LOST_PORT],
  ["hardware/nested", AMD, 2, wrongVector(SvmVendor)],
  ["hardware/shadow", INTEL, 3, wrongCode],
  ["hardware/shadow", INTEL, 3, LOST_PORT],
  ["hardware/shadow", INTEL, 3, wrongVector(VmxVendor)],
];

afterEach(() => void vi.restoreAllMocks());

describe("a random kernel shows that", () => {
  const named = FAULTS.map((fault) => [fault[0], fault[1], fault[3].name, fault] as const);
  it.each(named)("under %s (%s) %s", (technique, profile, _name, [, , seed, { plant }]) => {
    plant();
    const choice = { profiles: [profile], techniques: [technique], engines: () => ["translator"] as const };
    expect(differenceOf(timelessGuest(seed), choice)).toBeDefined();
  });
});

const FORGOTTEN = replaced("INVLPG is forgotten", ShadowedPaging, "invalidatePage", nothing);
const NOT_MOVED = replaced("code at another frame is kept", GuestCode, "moved", () => []);

type Lost = readonly [technique: LockstepTechnique, Fault, use: Use, level: Level, hearing: Hearing];
const LOST: readonly Lost[] = [
  ["trap-and-emulate", NOT_GUARDED, "data", "page", "CR3"],
  ["hardware/shadow", NOT_GUARDED, "data", "page", "CR3"],
  ["trap-and-emulate", FORGOTTEN, "data", "page", "INVLPG"],
  ["hardware/shadow", FORGOTTEN, "data", "page", "INVLPG"],
  ["binary translation", FORGOTTEN, "data", "page", "INVLPG"],
  ["binary translation", NOT_MOVED, "code", "page", "INVLPG"],
  ["binary translation", NOT_MOVED, "code", "page", "CR3"],
];

describe("a kernel that remaps an address shows that", () => {
  const named = LOST.flatMap((lost) => WIDTHS.map((width) => [lost[0], width, lost[1].name, lost] as const));
  it.each(named)("under %s (%i bits) %s", (technique, width, _name, [, { plant }, use, level, hearing]) => {
    plant();
    const profiles = [width === 64 ? AMD : INTEL];
    const choice = { profiles, techniques: [technique], engines: () => ["translator"] as const };
    expect(differenceOf(remappingGuest(width, use, level, hearing), choice)).toBeDefined();
  });
});

const PARAVIRTUAL: readonly (readonly [benchmark: string, Fault])[] = [
  ["ticks", replaced("events are not sent", EventChannels, "send", nothing)],
  ["forkwait", replaced("updates of tables are not made", DirectPaging, "update", () => true)],
  ["forkwait", replaced("a page fault does not say where", EventChannels, "setFaultAddress", nothing)],
];

describe("the mini-kernel shows that under Xen's way", () => {
  const named = PARAVIRTUAL.map(([benchmark, { name, plant }]) => [name, benchmark, plant] as const);
  it.each(named)("%s (%s)", (_name, benchmark, plant) => {
    const found = CASES.find(({ name }) => name === benchmark)!;
    const line = commandLine(found.benchmark.name, caseValues(found, "tiny"));
    const guest = imageGuest(`mini-kernel/${imageFile(32)}`, line);
    const truth = endingOf(native(guest), guest);
    plant();
    const broken = (): unknown => endingOf(makeParavirtual(optionsOf(guest)), guest, BUDGET);
    expect(() => expect(broken()).toEqual(truth)).toThrow();
  });
});
