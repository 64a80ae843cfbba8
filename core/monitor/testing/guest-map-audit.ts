/**
 * Checks a monitor's map of guest memory by reading its tables: the ledger counts exactly the table frames that are
 * reachable from the root and the host frames that leaves give; no host frame is given twice, and large ones are aligned.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Gfn, Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { frameOf, PS } from "../../machine/mmu/entry.js";
import type { GuestMap } from "../memory/guest-map.js";

/** A host page that the guest was given: `frames` of them, from both first frames on. */
export interface GivenPage {
  readonly gfn: Gfn;
  readonly host: Hfn;
  readonly frames: number;
  /** Low half of the leaf. */
  readonly lo: number;
}

/** @param levels of the map's tables. @param tablesOwner the ledger's name for their frames (OWNER.*). */
export function auditGuestMap(machine: Machine, map: GuestMap, levels: number, tablesOwner: number): void {
  const { owned } = machine.frames;
  // A flat table is as large as the ledger says; whether its frames are all there shows by what is found in them.
  const { pages, tables } = readGuestMap(machine, map.root, levels, owned[tablesOwner]);
  const given = pages.reduce((sum, { frames }) => sum + frames, 0);
  const sorted = [...pages].sort((a, b) => a.host - b.host);
  sorted.forEach(({ host, frames }, at) => {
    if (host % frames !== 0) throw new Error(`a page of ${frames} frames begins at ${host}`);
    const next = sorted[at + 1];
    if (next !== undefined && next.host < host + frames)
      throw new Error(`host frame ${next.host} is given twice`);
  });
  if (new Set(tables).size !== tables.length) throw new Error("a table of the map is reached twice");
  const equal = (what: string, counted: number, ledger: number): void => {
    if (counted !== ledger) throw new Error(`${counted} frames of ${what}, ${ledger} in the ledger`);
  };
  equal("the map's tables", tables.length, owned[tablesOwner]!);
  equal("guest memory", given, owned[OWNER.guest_memory]!);
}

/** Everything that a map holds, in order of guest frames, and its table frames. @param flatTables frames of a flat table. */
export function readGuestMap(
  { ram }: Machine,
  root: Hfn,
  levels: number,
  flatTables = 0,
): { readonly pages: GivenPage[]; readonly tables: Hfn[] } {
  const pages: GivenPage[] = [];
  const tables: Hfn[] = [];
  const visit = (table: Hfn, level: number, gfn: Gfn): void => {
    tables.push(table);
    const frames = 2 ** (9 * (level - 1));
    for (let index = 0; index < 512; index++) {
      const word = table * 1024 + index * 2;
      if ((ram[word]! & 7) === 0) continue;
      const frame = frameOf(ram[word]!, ram[word + 1]!);
      const below = gfn + index * frames;
      if (level > 1 && (ram[word]! & PS) === 0) visit(frame, level - 1, below);
      else pages.push({ gfn: below, host: frame, frames, lo: ram[word]! });
    }
  };
  if (levels === 1) for (let at = 0; at < flatTables; at++) visit(root + at, 1, at * 512);
  else visit(root, levels, 0);
  return { pages, tables };
}
