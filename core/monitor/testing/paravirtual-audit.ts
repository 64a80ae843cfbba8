/**
 * Checks the direct paging of a guest that is code by reading memory: whatever the hardware can reach from a root in use, the
 * guest can write no page that is a table in any of these trees, none of the monitor's, and reads of the monitor's only what
 * lies in the monitor's own entries (Barham et al., SOSP 2003, 3.3.3).
 */
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { frameOf, P, PS, RW } from "../../machine/mmu/entry.js";
import type { DirectPaging } from "../paravirtual/direct-paging.js";
import { levelOf } from "../paravirtual/frame-types.js";

const ENTRIES = 512;
/** Entries of the monitor's: of the last page directory of 32 bits, of each top table of 64 (xen-x86_32.h, xen-x86_64.h). */
const isMonitors = (bits: 32 | 64, level: number, path: readonly number[], index: number): boolean =>
  bits === 32 ? level === 2 && path[0] === 3 && index >= 428 : level === 4 && index >= 256 && index < 272;

/** @returns how many lowest entries were looked at. @throws Error at the first breach */
export function auditParavirtual(
  { ram }: Pick<CodeMachine["machine"], "ram">,
  bits: 32 | 64,
  { types, format, kernelRoot, userRoot }: DirectPaging,
): number {
  const tables = new Map<Hfn, number>();
  const writable = new Set<Hfn>();
  let lowest = 0;
  const visit = (
    table: Hfn,
    level: number,
    path: readonly number[],
    mayWrite: boolean,
    own: boolean,
  ): void => {
    if (!own) {
      const known = tables.get(table);
      if (known !== undefined && known !== level) throw new Error(`frame ${table} is a table of two levels`);
      if (!types.isGuests(table)) throw new Error(`the guest has frame ${table}, not its own, as a table`);
      if (levelOf(types.useOf(table)) !== level) throw new Error(`table ${table} was not looked at`);
      tables.set(table, level);
    }
    const entries = level === format.levels ? format.rootEntries : ENTRIES;
    for (let index = 0; index < entries; index++) {
      const low = ram[table * 1024 + 2 * index]!;
      if ((low & P) === 0) continue;
      const isOwn = own || isMonitors(bits, level, path, index);
      // The pointers of a 32-bit guest have no such right: they grant it.
      const isWritable = mayWrite && ((low & RW) !== 0 || (bits === 32 && level === 3));
      const frame = frameOf(low, ram[table * 1024 + 2 * index + 1]!);
      if (level > 1) {
        if ((low & PS) !== 0) throw new Error("a large page");
        visit(frame, level - 1, [...path, index], isWritable, isOwn);
        continue;
      }
      lowest++;
      if (isOwn && isWritable) throw new Error(`the guest can write the monitor's frame ${frame}`);
      if (!isOwn && !types.isMappable(frame))
        throw new Error(`the guest has mapped frame ${frame}, not its own`);
      if (isWritable) writable.add(frame);
    }
  };
  for (const root of [kernelRoot, userRoot]) if (root >= 0) visit(root, format.levels, [], true, false);
  for (const [table, level] of tables)
    if (writable.has(table)) throw new Error(`the guest can write table ${table} of level ${level}`);
  return lowest;
}
