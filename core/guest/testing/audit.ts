/**
 * Checks a guest's whole memory state at rest by reading its tables as a debugger does: every data page in
 * use is mapped as often as the kernel believes, none is writable in two places, and no table is in two
 * trees.
 */
import type { Gfn } from "../../machine/address.js";
import { flagsOf, frameOf, P, PS, RW } from "../../machine/mmu/entry.js";
import type { GuestKernel } from "../kernel/kernel.js";
import type { Vcpu } from "../vcpu.js";

export interface MappedPage {
  readonly process: number;
  /** Index path from the root, joined by dots. */
  readonly path: string;
  readonly frame: Gfn;
  readonly flags: number;
  readonly level: number;
}

/** All user pages of all processes, in order. */
export function mappedPages(kernel: GuestKernel, cpu: Vcpu): MappedPage[] {
  return walkAll(kernel, cpu).pages;
}

/** Throws an Error that says what is wrong. */
export function audit(kernel: GuestKernel, cpu: Vcpu): void {
  const { pages, tables } = walkAll(kernel, cpu);
  const byFrame = new Map<Gfn, MappedPage[]>();
  for (const page of pages) byFrame.set(page.frame, [...(byFrame.get(page.frame) ?? []), page]);
  let frames = 0;
  for (const [frame, mappings] of byFrame) {
    const expected = kernel.dataFrames.mappings(frame);
    if (mappings.length !== expected) {
      throw new Error(`frame ${frame} is mapped ${mappings.length} times, counted ${expected}`);
    }
    if (mappings.length > 1 && mappings.some(({ flags }) => (flags & RW) !== 0)) {
      throw new Error(`shared frame ${frame} is writable`);
    }
    frames += kernel.layout.pageFrames[mappings[0]!.level]!;
  }
  if (frames !== kernel.dataFrames.inUse) {
    throw new Error(`${frames} data frames are mapped, ${kernel.dataFrames.inUse} in use`);
  }
  if (new Set(tables).size !== tables.length) throw new Error("a table is in two places");
}

/** Page tables that living processes have, roots included. */
export function tableCount(kernel: GuestKernel, cpu: Vcpu): number {
  return walkAll(kernel, cpu).tables.length;
}

function walkAll(kernel: GuestKernel, cpu: Vcpu): { pages: MappedPage[]; tables: Gfn[] } {
  const { paging } = cpu;
  const pages: MappedPage[] = [];
  const tables: Gfn[] = [];
  // The user's part of a root: all below the direct map.
  const userEntries = { "32-bit": 768, pae: 3, "4-level": 256, "5-level": 256 }[paging.name];
  for (const process of kernel.processes) {
    const visit = (table: Gfn, level: number, count: number, path: string): void => {
      tables.push(table);
      for (let index = 0; index < count; index++) {
        const { lo, hi } = cpu.inspect(table, index);
        if ((lo & P) === 0) continue;
        const next = `${path}.${index}`;
        const frame = frameOf(lo, hi);
        if (level > 1 && (lo & PS) === 0) visit(frame, level - 1, paging.entries, next);
        else pages.push({ process: process.id, path: next, frame, flags: flagsOf(lo, hi), level });
      }
    };
    visit(process.root, paging.levels, userEntries, "");
  }
  return { pages, tables };
}
