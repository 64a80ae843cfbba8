/** For tests and benchmarks of the machine alone: builds page tables straight in RAM, with no kernel and no price. */
import { OWNER } from "../../events/memory-owners.js";
import { type Gva, highHalf, lowHalf } from "../address.js";
import type { Machine } from "../machine.js";
import { A, entryHi, entryLo, frameOf, P, PS, RW, US } from "../mmu/entry.js";
import { indexAt } from "../mmu/format.js";

/** A cleared table frame. */
export function newTable(machine: Machine): number {
  const frame = machine.frames.takeBacked(OWNER.guest_tables);
  machine.ram.fill(0, frame * 1024, frame * 1024 + 1024);
  return frame;
}

/** Maps one page at a level (1 is 4 KiB), making the tables above it. Flags are entry flags besides PS. */
export function mapPage(
  machine: Machine,
  root: number,
  va: Gva,
  frame: number,
  flags: number,
  leaf = 1,
): void {
  const { paging, ram } = machine;
  const stride = paging.entryBytes / 4;
  let table = root;
  for (let level = paging.levels; ; level--) {
    const index = indexAt(paging.shifts[level]!, paging.entries, highHalf(va), lowHalf(va));
    const word = table * 1024 + index * stride;
    if (level === leaf) {
      ram[word] = entryLo(frame, leaf === 1 ? flags : flags | PS);
      if (stride === 2) ram[word + 1] = entryHi(frame, flags);
      return;
    }
    if ((ram[word]! & P) === 0) {
      const below = newTable(machine);
      const inner = paging.levels === 3 && level === 3 ? P : P | RW | US | A;
      ram[word] = entryLo(below, inner);
      if (stride === 2) ram[word + 1] = entryHi(below, inner);
    }
    table = frameOf(ram[word]!, stride === 2 ? ram[word + 1]! : 0);
  }
}
