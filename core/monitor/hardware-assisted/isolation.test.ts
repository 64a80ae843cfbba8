/**
 * A hostile kernel reaches for what is not its own: by every address, with paging off and with tables of its own that name every
 * frame, by its devices' DMA, and by instructions of the monitor's. What it stores is looked for in all of the machine's memory
 * afterwards, and the tables by which the hardware translates are audited.
 */
import { describe, expect, it } from "vitest";
import { OWNER } from "../../events/memory-owners.js";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import type { ComputerOptions } from "../../machine/computer.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { auditGuestMap, readGuestMap } from "../testing/guest-map-audit.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "./computer.js";
import { Kvm } from "./kvm.js";
import type { HardwareComputer } from "./user-side.js";

const { al, eax, ecx, edi, esp, cr0, cr3, cr4 } = REGISTERS;
const { dword } = SIZES;
const MEMORY = 2 ** 22;
const BUDGET = 1e6;
const ORIGIN = 0x10_0000;
const STACK = 0x9000;
const DIRECTORY = 0x18_0000;
/** Four times the guest's memory: beyond it are the frames of others, by their own numbers. */
const REACH = 4 * MEMORY;
/** What the guest stores, at this place of each page. */
const MAGIC = 0x5ec7_e700;
const PLACE = 0xff0;
const PAGE = 4096;
const FRAME_WORDS = 1024;
const LEVELS = 4;
const PG = 0x8000_0000 | 0;
const PSE = 0x10;
/** A directory entry that maps 4 MiB: present, writable, large. */
const LARGE = 0x83;
const EXIT_PORT = 0xf4;
const NEIGHBOUR_FRAMES = 4;

type Memory = "nested" | "shadow";

function makeComputer(profile: string, memory: Memory): HardwareComputer {
  const options: ComputerOptions = {
    profile: findProfile(profile)!,
    memoryBytes: MEMORY,
    caches: "off",
    walkCaches: true,
    tlb: true,
    seed: 1,
    engine: "interpreter",
  };
  const shadow = { eager: false, outOfSync: true, reuse: true, maximumTables: 0, writeFlood: 3 };
  return memory === "nested"
    ? makeHardwareComputer(options, { hostOrder: 0, vpid: true, accessedDirty: true, populate: false })
    : makeHardwareShadowComputer(options, { vpid: true, shadow });
}

/** Stores MAGIC into every page below REACH. */
function storeEverywhere(code: Assembler): void {
  const next = code.unique("next");
  code.emit("mov", edi, PLACE).label(next).emit("mov", mem(dword, edi), imm(MAGIC, 4));
  code.emit("add", edi, imm(PAGE, 4)).emit("cmp", edi, imm(REACH, 4)).emit("jb", next);
}

function end(code: Assembler): void {
  code.emit("mov", al, 0).emit("out", imm(EXIT_PORT, 1), al).emit("hlt");
}

function run(computer: HardwareComputer, write: (code: Assembler) => void): unknown {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  code.emit("mov", esp, STACK);
  write(code);
  const image = { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY } as const;
  computer.load(loadImage(code.assemble().bytes, image));
  return computer.run(BUDGET);
}

/** Memory of another guest's on the same machine, filled with a pattern. */
function makeNeighbour({ machine }: HardwareComputer): { check(): void } {
  const frames = Array.from({ length: NEIGHBOUR_FRAMES }, () =>
    machine.frames.takeBacked(OWNER.control_blocks),
  );
  const words = (frame: number): Int32Array =>
    machine.ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
  for (const frame of frames) words(frame).fill(frame | 0x7000_0000);
  return {
    check() {
      for (const frame of frames)
        expect(words(frame).every((word) => word === (frame | 0x7000_0000))).toBe(true);
    },
  };
}

/** Throws where MAGIC is in memory that the map does not give the guest; returns how many pages it gives. */
function audit({ machine, vm }: HardwareComputer): number {
  const { backedFrames } = machine.options;
  const { pages } = readGuestMap(machine, vm.map.root, LEVELS);
  const given = new Set(pages.map(({ host }) => host));
  const isTable = new Set(readGuestMap(machine, vm.map.root, LEVELS).tables);
  for (const host of given) {
    if (isTable.has(host)) throw new Error(`the guest has table ${host} of its own map`);
  }
  for (let frame = 0; frame < backedFrames; frame++) {
    if (given.has(frame)) continue;
    const found = machine.ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS).indexOf(MAGIC);
    if (found >= 0) throw new Error(`the guest wrote to frame ${frame}, which is not its own`);
  }
  return pages.length;
}

/** Frames by which device memory is reached are beyond the machine's; the identity tables are the monitor's. */
const ownPages = ({ machine, vm }: HardwareComputer): number =>
  readGuestMap(machine, vm.map.root, LEVELS).pages.filter(
    ({ gfn, host }) => host < machine.options.backedFrames && gfn < MEMORY / PAGE,
  ).length;

describe.each([
  ["skylake-2015", "nested"],
  ["nehalem-2008", "nested"],
  ["zen-2-2019", "nested"],
  ["skylake-2015", "shadow"],
  ["prescott-2005", "shadow"],
  ["zen-2-2019", "shadow"],
] as const)("on %s, %s", (profile, memory) => {
  it("stores to every address stay in the guest's own frames, paging off and on", () => {
    const computer = makeComputer(profile, memory);
    const neighbour = makeNeighbour(computer);
    const outcome = run(computer, (code) => {
      storeEverywhere(code);
      code.emit("mov", edi, DIRECTORY).emit("mov", eax, LARGE).emit("mov", ecx, 1024).label("entry");
      code.emit("mov", mem(dword, edi), eax).emit("add", edi, 4).emit("add", eax, imm(0x40_0000, 4));
      code.emit("dec", ecx).emit("jne", "entry");
      code.emit("mov", eax, cr4).emit("or", eax, PSE).emit("mov", cr4, eax);
      code.emit("mov", eax, DIRECTORY).emit("mov", cr3, eax);
      code.emit("mov", eax, cr0).emit("or", eax, imm(PG, 4)).emit("mov", cr0, eax);
      storeEverywhere(code);
      end(code);
    });
    expect(outcome).toEqual({ kind: "exit", status: 0 });
    neighbour.check();
    audit(computer);
    // Its memory, each frame once, and nothing of the hole for video memory.
    expect(ownPages(computer)).toBe(MEMORY / PAGE - 32);
    if (memory === "shadow") auditGuestMap(computer.machine, computer.vm.map, LEVELS, OWNER.monitor_maps);
  });

  it("page tables in no memory end the guest, and nothing else", () => {
    const computer = makeComputer(profile, memory);
    const neighbour = makeNeighbour(computer);
    const outcome = run(computer, (code) => {
      code.emit("mov", eax, imm(0xe000_0000 | 0, 4)).emit("mov", cr3, eax);
      code.emit("mov", eax, cr0).emit("or", eax, imm(PG, 4)).emit("mov", cr0, eax).emit("nop");
      end(code);
    });
    expect(outcome).toMatchObject({ kind: "shutdown" });
    neighbour.check();
    audit(computer);
  });

  it("instructions of the monitor's are undefined to it", () => {
    for (const bytes of [
      [0x0f, 0x01, 0xc4], // vmxoff
      [0x0f, 0x01, 0xc2], // vmlaunch
      [0x0f, 0x01, 0xd8], // vmrun
      [0x0f, 0x01, 0xda], // vmload
    ]) {
      const computer = makeComputer(profile, memory);
      // No vector is in the table: #UD, and what follows from it, shuts it down.
      const outcome = run(computer, (code) => void code.db(...bytes));
      expect(outcome).toMatchObject({ kind: "shutdown", reason: expect.stringContaining("#UD") });
    }
  });
});

it("devices reach memory by the guest's addresses: DMA beyond it is lost", () => {
  const computer = makeComputer("skylake-2015", "nested");
  const neighbour = makeNeighbour(computer);
  run(computer, end);
  const bytes = new Uint8Array(new Int32Array(FRAME_WORDS).fill(MAGIC).buffer);
  for (let address = MEMORY; address < REACH; address += PAGE) computer.vm.ram.write(address, bytes);
  neighbour.check();
  audit(computer);
});

it("a breach is found: a frame of the monitor's in the guest's map", () => {
  const computer = makeComputer("skylake-2015", "nested");
  run(computer, end);
  const { machine, vm } = computer;
  vm.map.mapFrame(0x100, vm.map.root);
  expect(() => audit(computer)).toThrow("table");
  vm.map.unmapFrame(0x100);
  const stolen = machine.frames.takeBacked(OWNER.control_blocks);
  machine.ram[stolen * FRAME_WORDS + 7] = MAGIC;
  expect(() => audit(computer)).toThrow("not its own");
});

describe("entries fail closed", () => {
  const kvm = (profile: string) => {
    const vm = new Kvm({ profile, memoryBytes: 2 ** 20 }).createVm();
    vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 0x10000 });
    // in al, 1; hlt
    vm.writeMemory(0x1000, Uint8Array.of(0xe4, 1, 0xf4));
    const vcpu = vm.createVcpu();
    vcpu.setSregs({ cs: { ...vcpu.getSregs().cs, base: 0n, selector: 0 } });
    vcpu.setRegs({ rip: 0x1000n, rflags: 2n });
    return vcpu;
  };

  it("a guest whose state became invalid executes nothing, until it is mended", () => {
    const vcpu = kvm("skylake-2015");
    expect(vcpu.run().exitReason).toBe("io");
    const sregs = vcpu.getSregs();
    // TR must be a busy TSS (SDM vol. 3, 27.3.1.2).
    vcpu.setSregs({ tr: { ...sregs.tr, type: 2, present: true, unusable: false } });
    const before = vcpu.counters.instructions;
    for (let again = 0; again < 2; again++) expect(vcpu.run().exitReason).toBe("fail-entry");
    expect(vcpu.counters.instructions - before).toBeLessThanOrEqual(1);
    expect(vcpu.kvmRun.failEntry.hardwareEntryFailureReason).toContain("TR");
    vcpu.setSregs(sregs);
    expect(vcpu.run().exitReason).toBe("hlt");
  });
});
