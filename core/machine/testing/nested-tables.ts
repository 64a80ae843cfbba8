/** For tests of the machine alone: nested tables built straight in RAM, with no monitor and no price. */
import { OWNER } from "../../events/memory-owners.js";
import type { Gfn, Hfn } from "../address.js";
import type { Machine } from "../machine.js";
import { EPT_R, EPT_W, EPT_X, entryHi, entryLo, frameOf, P, PS, RW, US } from "../mmu/entry.js";

/** Flags of an entry that allows everything, in the machine's nested format. */
export function nestedFlags(machine: Machine): number {
  return machine.nestedFormat === "ept" ? EPT_R | EPT_W | EPT_X : P | RW | US;
}

/** A cleared table frame. */
export function newNestedTable(machine: Machine): Hfn {
  const frame = machine.frames.takeBacked(OWNER.nested_tables);
  machine.ram.fill(0, frame * 1024, frame * 1024 + 1024);
  return frame;
}

/** Maps guest frame → host frame at a level (1 is 4 KiB), making the tables above it. `flags` besides PS. */
export function mapNested(
  machine: Machine,
  root: Hfn,
  levels: number,
  gfn: Gfn,
  frame: Hfn,
  flags: number,
  leaf = 1,
): void {
  const { ram } = machine;
  let table = root;
  for (let level = levels; ; level--) {
    const word = table * 1024 + nestedIndex(gfn, level) * 2;
    if (level === leaf) {
      ram[word] = entryLo(frame, leaf === 1 ? flags : flags | PS);
      ram[word + 1] = entryHi(frame, flags);
      return;
    }
    if ((ram[word]! & 7) === 0) {
      const below = newNestedTable(machine);
      ram[word] = entryLo(below, nestedFlags(machine));
      ram[word + 1] = 0;
    }
    table = frameOf(ram[word]!, ram[word + 1]!);
  }
}

/** Index into the nested table of a level for a guest frame. */
export function nestedIndex(gfn: Gfn, level: number): number {
  return level === 5 ? 0 : (gfn >>> (9 * (level - 1))) & 511;
}
