/**
 * Checks direct paging by reading memory: whatever the hardware can reach from a root in use, no page that is a page
 * table in that tree or in another is mapped writable (Barham et al., SOSP 2003, 3.3.3).
 */
import type { Gfn, Hfn } from "../../machine/address.js";
import { frameOf, P, PS, RW } from "../../machine/mmu/entry.js";
import type { ParavirtualVcpu } from "../memory/paravirtual/vcpu.js";

/** @param roots guest frames of the roots that are pinned. */
export function auditXen(vcpu: ParavirtualVcpu, roots: readonly Gfn[]): void {
  const { paging, machine } = vcpu;
  const { ram } = machine;
  const stride = paging.entryBytes / 4;
  const levelOf = new Map<Hfn, number>();
  const writable = new Set<Hfn>();
  const visit = (table: Hfn, level: number, isWritable: boolean): void => {
    const known = levelOf.get(table);
    if (known === level) return;
    if (known !== undefined)
      throw new Error(`machine frame ${table} is a table at levels ${known} and ${level}`);
    levelOf.set(table, level);
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    for (let index = 0; index < entries; index++) {
      const word = table * 1024 + index * stride;
      const lo = ram[word]!;
      if ((lo & P) === 0) continue;
      if ((lo & PS) !== 0 && level > 1) throw new Error("a paravirtual guest has a large page");
      const isRegister = paging.name === "pae" && level === 3;
      const below = isWritable && (isRegister || (lo & RW) !== 0);
      const frame = frameOf(lo, stride === 2 ? ram[word + 1]! : 0);
      if (level > 1) visit(frame, level - 1, below);
      else if (below) writable.add(frame);
    }
  };
  for (const root of roots) visit(vcpu.machineFrame(root), paging.levels, true);
  for (const [frame, level] of levelOf) {
    if (writable.has(frame))
      throw new Error(`the table in machine frame ${frame}, level ${level}, is writable`);
  }
}
