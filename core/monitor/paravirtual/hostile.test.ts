/**
 * What a hostile paravirtual guest may ask for, and does not get: each hypercall is made in its kernel's stead, once it has
 * started, and memory is looked at afterwards.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { WIDTHS } from "../../guest/mini-kernel/benchmark.js";
import type { Hfn } from "../../machine/address.js";
import { RAX, RBX, RIP } from "../../machine/cpu/places.js";
import { A, D, PS, RW } from "../../machine/mmu/entry.js";
import { GUEST_BUDGET, LEAF, StartedGuest } from "../testing/started-guest.js";
import {
  ERROR,
  GRANT,
  GRANT_COPY,
  GRANT_MAP,
  GRANT_OP,
  GRANT_STATUS,
  HYPERCALL,
  MACHINE_TO_PHYSICAL,
  MMUEXT,
  OK,
  UPDATE_KIND,
} from "./abi.js";
import { levelOf, USE } from "./frame-types.js";
import { TableStores } from "./table-stores.js";

/** Second words of descriptors: a call gate, and code of ring 0 (SDM vol. 3, 3.4.5 and 5.8.3). */
const GATE = 0x0000_ec00;
const CODE_OF_RING_0 = 0x00cf_9b00;

/** MOV [RAX], RBX. */
const STORE = { 32: 0x1889, 64: 0x18_8948 } as const;

describe.each(WIDTHS)("%i-bit", (width) => {
  let guest: StartedGuest;
  beforeEach(() => {
    guest = new StartedGuest(width);
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
    expect(guest.computer.run(GUEST_BUDGET)).toEqual({ kind: "exit", status: 0 });
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

  it("with writable page tables stores entries that it may have, and no others", () => {
    const { present } = guest.monitor;
    const { core, access } = present;
    const stores = new TableStores(present);
    const { table, index, frame } = guest.freePage(2);
    const base = width === 32 ? 0xc000_0000 : -0x8000_0000;
    const firstFrame = guest.freePage((guest.scratch() - base) / 4096).frame;
    const entryAt = base + (table - firstFrame) * 4096 + index * 8;
    const word = table * 1024 + 2 * index;
    const code = guest.scratch();
    access.write32(code, STORE[width]);
    /** MOV of RBX to where RAX points. */
    const store = (value: number): boolean => {
      core.jump(code | 0, width === 32 ? 0 : -1);
      core.setRegister(RAX, width === 32 ? 4 : 8, entryAt | 0, width === 32 ? 0 : -1);
      core.setRegister(RBX, width === 32 ? 4 : 8, value, 0);
      return stores.emulate(entryAt);
    };
    const before = guest.ram[word]!;
    expect(store((guest.monitorsFrame() << 12) | LEAF)).toBe(false);
    expect(store((guest.paging.kernelRoot << 12) | LEAF | RW)).toBe(false);
    expect([guest.ram[word], core.words[RIP]]).toEqual([before, code | 0]);
    guest.audit();
    expect(store((frame << 12) | LEAF)).toBe(true);
    expect([guest.ram[word]! & RW, core.words[RIP] !== (code | 0)]).toEqual([0, true]);
    expect(stores.emulate(guest.scratch())).toBe(false);
    guest.audit();
  });

  it("has descriptors in pages that it cannot write, of code and data of its own rings alone", () => {
    const page = guest.freePage(2);
    const at = page.frame * 1024;
    guest.ram.fill(0, at, at + 1024);
    const list = guest.scratch() - 4096;
    const { access } = guest.monitor.present;
    access.writeWord(list, page.frame);
    const install = (): number => guest.call(HYPERCALL.set_gdt, list, 512);
    // Mapped writable; then a call gate in it.
    expect(install()).toBe(ERROR.invalid);
    guest.protect(page);
    guest.ram[at + 5] = GATE;
    expect(install()).toBe(ERROR.invalid);
    guest.ram[at + 5] = CODE_OF_RING_0;
    expect(install()).toBe(OK);
    expect((guest.ram[at + 5]! >>> 13) & 3).toBe(width === 32 ? 1 : 3);
    expect(guest.update(page.table, page.index, page.frame, LEAF | RW)).toBe(ERROR.invalid);
    expect(guest.extended(MMUEXT.pinL1, page.frame)).toBe(ERROR.invalid);
    const change = (frame: Hfn, high: number): number => {
      const address = frame * 4096 + 8;
      return width === 32
        ? guest.call(HYPERCALL.update_descriptor, address, 0, 0xffff, high)
        : guest.call(HYPERCALL.update_descriptor, address, high * 2 ** 32 + 0xffff);
    };
    expect(change(page.frame, GATE)).toBe(ERROR.invalid);
    expect(change(guest.monitorsFrame(), 0)).toBe(ERROR.invalid);
    expect(change(guest.frameUsedAs(USE.l1), 0)).toBe(ERROR.invalid);
    expect(change(page.frame, CODE_OF_RING_0)).toBe(OK);
    expect((guest.ram[at + 3]! >>> 13) & 3).toBe(width === 32 ? 1 : 3);
    access.writeWord(list, guest.monitorsFrame());
    expect(install()).toBe(ERROR.invalid);
    expect(guest.call(HYPERCALL.set_gdt, list, 8192)).toBe(ERROR.invalid);
    expect(guest.call(HYPERCALL.set_gdt, list, 0)).toBe(OK);
    expect(guest.update(page.table, page.index, page.frame, LEAF | RW)).toBe(OK);
    guest.audit();
    expect(guest.computer.run(GUEST_BUDGET)).toEqual({ kind: "exit", status: 0 });
  });

  it("grants what is its own, and maps and copies only what is granted", () => {
    const { access } = guest.monitor.present;
    const request = guest.scratch() - 4096;
    const isWide = width === 64;
    const operate = (operation: number, fill: () => void, statusAt: number): number => {
      for (let offset = 0; offset < 64; offset += 4) access.write32(request + offset, 0);
      fill();
      expect(guest.call(HYPERCALL.grant_table_op, operation, request, 1)).toBe(OK);
      return (access.read16(request + statusAt) << 16) >> 16;
    };
    const granted = guest.freePage(2);
    const target = guest.freePage(3);
    const setup = (): void => {
      access.write32(request + 4, 1);
      access.writeWord(request + (isWide ? 16 : 12), request + 56);
    };
    expect(operate(GRANT_OP.setup, setup, 8)).toBe(GRANT_STATUS.okay);
    const table = access.read32(request + 56);
    const entry = (reference: number, flags: number, frame: Hfn): void => {
      guest.ram[table * 1024 + 2 * reference] = flags;
      guest.ram[table * 1024 + 2 * reference + 1] = frame;
    };
    const map = (reference: number, flags: number) => (): void => {
      access.write64(request, target.address);
      access.write32(request + 8, flags);
      access.write32(request + 12, reference);
    };
    entry(8, GRANT.permit, granted.frame);
    entry(9, GRANT.permit | GRANT.readOnly, granted.frame);
    entry(10, GRANT.permit, guest.monitorsFrame());
    entry(11, GRANT.permit, guest.frameUsedAs(USE.l1));
    expect(operate(GRANT_OP.map, map(7, GRANT_MAP.host), 18)).toBe(GRANT_STATUS.badReference);
    expect(operate(GRANT_OP.map, map(9, GRANT_MAP.host), 18)).toBe(GRANT_STATUS.denied);
    expect(operate(GRANT_OP.map, map(10, GRANT_MAP.host), 18)).toBe(GRANT_STATUS.badPage);
    expect(operate(GRANT_OP.map, map(11, GRANT_MAP.host), 18)).toBe(GRANT_STATUS.badPage);
    expect(operate(GRANT_OP.map, map(100_000, GRANT_MAP.host), 18)).toBe(GRANT_STATUS.badReference);
    expect(operate(GRANT_OP.map, map(9, GRANT_MAP.host | GRANT_MAP.readOnly), 18)).toBe(GRANT_STATUS.okay);
    const handle = access.read32(request + 20);
    const unmap = (of: number) => (): void => {
      access.write64(request, target.address);
      access.write32(request + 16, of);
    };
    expect(operate(GRANT_OP.unmap, unmap(handle + 1), 20)).toBe(GRANT_STATUS.badHandle);
    expect(operate(GRANT_OP.unmap, unmap(handle), 20)).toBe(GRANT_STATUS.okay);
    const copy = (from: number, to: number, flags: number, length: number) => (): void => {
      const side = 2 * access.wordBytes;
      access.writeWord(request, from);
      access.writeWord(request + side, to);
      access.write16(request + 2 * side, length);
      access.write16(request + 2 * side + 2, flags);
    };
    const copied = isWide ? 36 : 20;
    guest.ram[granted.frame * 1024] = 0x1234_5678;
    expect(operate(GRANT_OP.copy, copy(8, target.frame, GRANT_COPY.fromGrant, 64), copied)).toBe(
      GRANT_STATUS.okay,
    );
    expect(guest.ram[target.frame * 1024]).toBe(0x1234_5678);
    expect(operate(GRANT_OP.copy, copy(8, target.frame, GRANT_COPY.fromGrant, 4097), copied)).toBe(
      GRANT_STATUS.badCopy,
    );
    expect(operate(GRANT_OP.copy, copy(guest.monitorsFrame(), target.frame, 0, 64), copied)).toBe(
      GRANT_STATUS.badPage,
    );
    expect(operate(GRANT_OP.copy, copy(8, guest.frameUsedAs(USE.l1), GRANT_COPY.fromGrant, 64), copied)).toBe(
      GRANT_STATUS.badPage,
    );
    expect(operate(GRANT_OP.copy, copy(granted.frame, 9, GRANT_COPY.toGrant, 64), copied)).toBe(
      GRANT_STATUS.denied,
    );
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
