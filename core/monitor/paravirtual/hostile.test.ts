/**
 * What a hostile paravirtual guest may ask for, and does not get: each hypercall is made in its kernel's stead, once it has
 * started, and memory is looked at afterwards.
 */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import { commandLine, imageFile, WIDTHS, type Width } from "../../guest/mini-kernel/benchmark.js";
import { CASES, caseValues } from "../../guest/mini-kernel/cases.js";
import type { Hfn } from "../../machine/address.js";
import { A, D, P, PS, RW, US } from "../../machine/mmu/entry.js";
import { auditParavirtual } from "../testing/paravirtual-audit.js";
import { ERROR, HYPERCALL, MACHINE_TO_PHYSICAL, MMUEXT, OK, UPDATE_KIND } from "./abi.js";
import { Arguments } from "./call.js";
import { makeParavirtual } from "./computer.js";
import { levelOf, USE } from "./frame-types.js";
import { Hypercalls } from "./hypercalls.js";
import type { ParavirtualMonitor } from "./monitor.js";

const MEMORY = 32 * 2 ** 20;
const BUDGET = 1e8;
const LEAF = P | A | D | US;

class Guest {
  readonly computer;
  readonly monitor: ParavirtualMonitor;
  private readonly calls: Hypercalls;

  constructor(readonly width: Width) {
    this.computer = makeParavirtual({
      profile: findProfile("skylake-2015")!,
      memoryBytes: MEMORY,
      caches: "off",
      walkCaches: true,
      tlb: true,
      seed: 1,
    });
    const name = imageFile(width);
    const bytes = readFileSync(new URL(`../../guest/mini-kernel/${name}`, import.meta.url));
    const forkwait = CASES.find((known) => known.name === "forkwait")!;
    const append = commandLine("forkwait", caseValues(forkwait, "tiny"));
    this.computer.load(loadImage(bytes, { name, append, memoryBytes: MEMORY }));
    this.monitor = this.computer.monitor as ParavirtualMonitor;
    // At its mark the kernel runs, with processes and their spaces.
    this.computer.onMark = () => this.computer.stop();
    expect(this.computer.run(BUDGET)).toEqual({ kind: "stopped" });
    this.computer.onMark = undefined;
    this.calls = new Hypercalls(this.monitor.present);
  }

  get ram(): Int32Array {
    return this.computer.machine.ram;
  }
  get paging() {
    return this.monitor.present.paging;
  }

  call(number: number, ...words: readonly number[]): number {
    const args = new Arguments(this.width === 32 ? 4 : 8);
    for (const [index, word] of words.entries()) {
      args.low[index] = word | 0;
      args.high[index] = Math.floor(word / 2 ** 32) | 0;
    }
    return this.calls.call(number, args);
  }

  /** mmu_update of one entry, by a request in a page of the guest's that it may write. */
  update(table: Hfn, index: number, frame: Hfn, flags: number, kind: number = UPDATE_KIND.normal): number {
    const { access } = this.monitor.present;
    const at = this.scratch();
    access.write32(at, (table << 12) | (index << 3) | kind | 0);
    access.write32(at + 4, table >>> 20);
    access.write32(at + 8, (frame << 12) | flags);
    access.write32(at + 12, frame >>> 20);
    return this.call(HYPERCALL.mmu_update, at, 1, 0);
  }

  extended(command: number, argument: number): number {
    const { access } = this.monitor.present;
    const at = this.scratch();
    access.write32(at, command);
    access.writeWord(at + access.wordBytes, argument);
    return this.call(HYPERCALL.mmuext_op, at, 1, 0);
  }

  /** The last page of the guest's map is free, and writable. */
  scratch(): number {
    const base = this.width === 32 ? 0xc000_0000 : -0x8000_0000;
    return base + MEMORY - 4096;
  }

  /** A frame that is used as something. */
  frameUsedAs(use: number): Hfn {
    const { types } = this.paging;
    for (let frame = 0; frame < this.computer.machine.options.frames; frame++)
      if (types.isGuests(frame) && types.useOf(frame) === use) return frame;
    throw new Error(`no frame is used as ${use}`);
  }

  monitorsFrame(): Hfn {
    const { types } = this.paging;
    let frame = 0;
    while (types.isMappable(frame)) frame++;
    return frame;
  }

  audit(): number {
    return auditParavirtual(this.computer.machine, this.width, this.paging);
  }
}

describe.each(WIDTHS)("%i-bit", (width) => {
  let guest: Guest;
  beforeEach(() => {
    guest = new Guest(width);
  });

  it("has maps that are sound, and goes on after what was refused", () => {
    expect(guest.audit()).toBeGreaterThan(8192);
    const table = guest.frameUsedAs(USE.l1);
    const memory = guest.ram.slice();
    const { frames } = guest.computer.machine.options;
    const refused: readonly (readonly [string, () => number])[] = [
      ["to map the monitor's memory", () => guest.update(table, 511, guest.monitorsFrame(), LEAF)],
      ["to map what no machine has", () => guest.update(table, 511, frames + 7, LEAF)],
      ["to map a table writable", () => guest.update(table, 511, table, LEAF | RW)],
      ["to map the top table writable", () => guest.update(table, 511, guest.paging.kernelRoot, LEAF | RW)],
      ["to write the monitor's memory", () => guest.update(guest.monitorsFrame(), 0, 0, LEAF)],
      ["to change the table of frames", () => guest.update(table, 0, 0, 0, UPDATE_KIND.machineToPhysical)],
      ["a large page", () => guest.update(guest.frameUsedAs(USE.l2), 300, 0, LEAF | RW | PS)],
      ["memory as a table", () => guest.extended(MMUEXT.pinL1, guest.frameUsedAs(USE.writable))],
      ["a table as one of another level", () => guest.extended(MMUEXT.pinL2, table)],
      ["a table that is not its own", () => guest.extended(MMUEXT.pinL1, guest.monitorsFrame())],
      ["lower tables as its top", () => guest.extended(MMUEXT.newBase, table)],
      ["a top table that no machine has", () => guest.extended(MMUEXT.newBase, frames + 1)],
      ["to unpin what is not pinned", () => guest.extended(MMUEXT.unpin, table)],
    ];
    for (const [what, ask] of refused)
      expect([what, ask()]).toEqual([what, what.includes("of frames") ? ERROR.perm : ERROR.invalid]);
    guest.audit();
    // Nothing but the page of requests has changed.
    const scratch = guest.paging.lowestEntry(guest.scratch())!;
    const page = (guest.ram[scratch.table * 1024 + 2 * scratch.index]! >>> 12) * 1024;
    const after = guest.ram.slice();
    after.set(memory.subarray(page, page + 1024), page);
    expect(
      after.findIndex((word, place) => word !== memory[place] && !isAccessedBit(word, memory[place]!)),
    ).toBe(-1);
    expect(guest.computer.run(BUDGET)).toEqual({ kind: "exit", status: 0 });
  });

  it("cannot change the monitor's entries", () => {
    const [use, index] = width === 32 ? [USE.lastL2, 510] : [USE.l4, 262];
    expect(guest.update(guest.frameUsedAs(use!), index!, 0, 0)).toBe(ERROR.invalid);
    guest.audit();
  });

  it("has nothing written where it could not write itself", () => {
    // A request whose answer would go to the table of frames, and one that lies nowhere.
    expect(guest.call(HYPERCALL.event_channel_op, 9, 0x1000)).toBe(ERROR.fault);
    const { access } = guest.monitor.present;
    const request = MACHINE_TO_PHYSICAL[width];
    const before = access.read32(request);
    expect(guest.call(HYPERCALL.mmu_update, guest.scratch(), 0, request)).toBe(ERROR.fault);
    expect(access.read32(request)).toBe(before);
  });

  it("may use a frame as a table and as memory in turn, not at once", () => {
    const { types } = guest.paging;
    const scratch = guest.paging.lowestEntry(guest.scratch() - 4096)!;
    const frame = guest.ram[scratch.table * 1024 + 2 * scratch.index]! >>> 12;
    guest.ram.fill(0, frame * 1024, frame * 1024 + 1024);
    expect(guest.extended(MMUEXT.pinL1, frame)).toBe(ERROR.invalid);
    expect(guest.update(scratch.table, scratch.index, frame, LEAF)).toBe(OK);
    expect(guest.extended(MMUEXT.pinL1, frame)).toBe(OK);
    expect(levelOf(types.useOf(frame))).toBe(1);
    expect(guest.update(scratch.table, scratch.index, frame, LEAF | RW)).toBe(ERROR.invalid);
    expect(guest.extended(MMUEXT.unpin, frame)).toBe(OK);
    expect(guest.update(scratch.table, scratch.index, frame, LEAF | RW)).toBe(OK);
    guest.audit();
  });

  it("a breach is found: a table made writable behind the monitor's back", () => {
    const { table, index } = guest.paging.lowestEntry(guest.scratch())!;
    guest.ram[table * 1024 + 2 * index] = (guest.paging.kernelRoot << 12) | LEAF | RW;
    expect(() => guest.audit()).toThrow("can write table");
    guest.ram[table * 1024 + 2 * index] = (guest.monitorsFrame() << 12) | LEAF;
    expect(() => guest.audit()).toThrow("not its own");
  });
});

/** The hardware sets these when an address is used. */
const isAccessedBit = (word: number, before: number): boolean => ((word ^ before) & ~(A | D)) === 0;
