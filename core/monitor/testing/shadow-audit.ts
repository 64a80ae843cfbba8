/**
 * Checks the promises of shadow-tables.ts by reading memory as a debugger does. Throws an Error that says what is wrong.
 *
 * - Every present entry of every shadow table points to a live shadow table of the right level, which knows it as a
 *   parent, or is a leaf within the guest's memory.
 * - A guest frame that is a shadowed table in sync is mapped writable nowhere; a large leaf holds no shadowed table.
 * - The ledger counts exactly the tables there are.
 * - No paging-structure cache remembers a table that was given back (of agile paging's they remember guest tables too).
 * - A switching entry (agile paging) points to the host frame of the guest table that the guest's own entry points to,
 *   which has no shadow; a guarded table may not be written by way of the nested table either.
 * - No running shadow allows what the guest's own tables forbid, but for tables that are out of sync in address spaces
 *   that do not run: those are mended before they run.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Gfn, Hfn } from "../../machine/address.js";
import { D, EPT_W, frameOf, NX, P, PS, RW, SWITCH, US } from "../../machine/mmu/entry.js";
import type { GuestMap } from "../memory/guest-map.js";
import type { MachineVcpu } from "../memory/machine-vcpu.js";
import type { ShadowTable } from "../memory/shadow/shadow-table.js";
import type { ShadowTables } from "../memory/shadow/shadow-tables.js";
import { readGuestMap } from "./guest-map-audit.js";
import { walkCacheFrames } from "./walk-cache-frames.js";

/** Levels of the map that shadow paging keeps. */
const MAP_LEVELS = 4;

/** A guest with shadow tables: under shadow paging, or agile paging. */
export interface ShadowedVcpu extends Pick<MachineVcpu, "machine" | "paging" | "memory" | "inspect"> {
  readonly map: GuestMap;
  readonly tables: ShadowTables;
}

export interface ShadowSpace {
  /** Guest frame of a living address space's root. */
  readonly root: Gfn;
  readonly isRunning: boolean;
}

export function auditShadow(vcpu: ShadowedVcpu, spaces: readonly ShadowSpace[]): void {
  const guestOf = guestFrames(vcpu);
  const tables = collect(vcpu);
  for (const table of tables.values()) checkTable(vcpu, table, tables, guestOf);
  const { owned } = vcpu.machine.frames;
  if (owned[OWNER.shadow_tables] !== tables.size) {
    throw new Error(`${tables.size} shadow tables, ${owned[OWNER.shadow_tables]} in the ledger`);
  }
  for (const frame of walkCacheFrames(vcpu.machine)) {
    if (!tables.has(frame) && !(isAgile(vcpu) && guestOf.has(frame)))
      throw new Error(`a paging-structure cache remembers frame ${frame}`);
  }
  if (isAgile(vcpu)) checkNestedRights(vcpu);
  for (const space of spaces) {
    const shadow = vcpu.tables.find(space.root, vcpu.paging.levels);
    if (shadow !== undefined) compare(vcpu, shadow, space, tables, guestOf);
  }
}

/** Throws when the nested table allows writes to a guest table that has shadows, or forbids them to another frame. */
function checkNestedRights({ machine, map, tables }: ShadowedVcpu): void {
  const write = machine.nestedFormat === "ept" ? EPT_W : RW;
  for (const { gfn, frames, lo } of readGuestMap(machine, map.root, machine.options.nested!.levels).pages) {
    const isShadowed = frames === 1 && tables.shadowsOf(gfn).length > 0;
    if (((lo & write) === 0) !== isShadowed)
      throw new Error(
        `guest frame ${gfn}: ${isShadowed ? "a shadowed table may be written" : "is read-only"}`,
      );
    for (let at = gfn; frames > 1 && at < gfn + frames; at++)
      if (tables.shadowsOf(at).length > 0) throw new Error(`the shadowed table ${at} may be written`);
  }
}

/** Live shadow tables by frame. */
function collect({ tables }: ShadowedVcpu): Map<Hfn, ShadowTable> {
  const found = new Map<Hfn, ShadowTable>();
  for (const table of tables.all) {
    if (found.has(table.frame)) throw new Error(`frame ${table.frame} is two shadow tables`);
    if (!table.isSplit && tables.find(table.gfn, table.level) !== table) {
      throw new Error(`the shadow of ${table.gfn} at level ${table.level} is not found`);
    }
    if (table.isUnsynced !== tables.unsynced.has(table))
      throw new Error("a table is out of sync, and not listed");
    found.set(table.frame, table);
  }
  return found;
}

function checkTable(
  vcpu: ShadowedVcpu,
  table: ShadowTable,
  tables: ReadonlyMap<Hfn, ShadowTable>,
  guestOf: ReadonlyMap<Hfn, Gfn>,
): void {
  for (const { word, lo, hi } of entriesOf(vcpu, table)) {
    const frame = frameOf(lo, hi);
    if (isSwitch(vcpu, table, lo)) {
      const gfn = guestOf.get(frame);
      if (gfn === undefined || vcpu.tables.shadowsOf(gfn).length > 0)
        throw new Error(`level ${table.level}: a switching entry points to frame ${frame}`);
      if (!vcpu.tables.switchesTo(gfn).includes(word)) throw new Error("a switching entry is not listed");
      continue;
    }
    if (table.level > 1 && (lo & PS) === 0) {
      const child = tables.get(frame);
      if (child === undefined)
        throw new Error(`level ${table.level}: an entry points to frame ${frame}, no table`);
      if (child.level !== table.level - 1)
        throw new Error(`a table of level ${child.level} under ${table.level}`);
      if (!child.parents.has(word))
        throw new Error(`a table of level ${child.level} does not know its parent`);
      continue;
    }
    const first = guestOf.get(frame);
    if (first === undefined)
      throw new Error(`a leaf maps host frame ${frame}, which the guest does not have`);
    const frames = table.level === 1 ? 1 : vcpu.tables.framesAt(table.level);
    for (let gfn = first; gfn < Math.min(first + frames, vcpu.memory.backedFrames); gfn++) {
      if (vcpu.map.find(gfn) !== frame + (gfn - first))
        throw new Error(`a large leaf maps frames apart at ${gfn}`);
      const shadows = vcpu.tables.shadowsOf(gfn);
      if (shadows.length > 0 && table.level > 1) throw new Error(`a large leaf holds the table ${gfn}`);
      const isGuarded = shadows.some((shadow) => !shadow.isUnsynced);
      if (isGuarded && (lo & RW) !== 0) throw new Error(`the guarded table ${gfn} is mapped writable`);
    }
  }
  for (const word of table.parents) {
    if (
      frameOf(vcpu.machine.ram[word]!, highOf(vcpu, word)) !== table.frame ||
      !(vcpu.machine.ram[word]! & P)
    ) {
      throw new Error(`a parent of a level-${table.level} table points elsewhere`);
    }
  }
}

/** The shadow of one address space against the guest's tables. */
function compare(
  vcpu: ShadowedVcpu,
  root: ShadowTable,
  space: ShadowSpace,
  tables: ReadonlyMap<Hfn, ShadowTable>,
  guestOf: ReadonlyMap<Hfn, Gfn>,
): void {
  const { paging } = vcpu;
  const visit = (table: ShadowTable, page: number, rights: number): void => {
    if (table.isUnsynced && !space.isRunning) return;
    for (const { lo, hi, index } of entriesOf(vcpu, table)) {
      // A PAE root is four registers, which have no rights of their own.
      const isRegister = paging.name === "pae" && table.level === 3;
      const isLeaf = table.level === 1 || (lo & PS) !== 0;
      // What is not dirty is not written before the hardware was at the guest's tables.
      const given = isLeaf && (lo & D) === 0 ? lo & ~RW : lo;
      const here = isRegister ? rights : (rights & given & (RW | US)) | ((rights | hi) & NX);
      const below = page + index * 2 ** (paging.shifts[table.level]! - 12);
      if (isSwitch(vcpu, table, lo)) checkSwitch(vcpu, table, index, guestOf.get(frameOf(lo, hi))!);
      else if (table.level > 1 && (lo & PS) === 0) visit(tables.get(frameOf(lo, hi))!, below, here);
      else checkLeaf(vcpu, space.root, below, guestOf.get(frameOf(lo, hi))!, here);
    }
  };
  visit(root, 0, RW | US);
}

const isAgile = ({ machine }: ShadowedVcpu): boolean => machine.options.nested?.agile === true;

function isSwitch(vcpu: ShadowedVcpu, table: ShadowTable, lo: number): boolean {
  return isAgile(vcpu) && table.level > 1 && (lo & (PS | SWITCH)) === SWITCH;
}

/** Throws when a switching entry points to another table than the guest's entry. */
function checkSwitch(vcpu: ShadowedVcpu, table: ShadowTable, index: number, gfn: Gfn): void {
  const { lo, hi } = vcpu.inspect(table.gfn, index);
  if ((lo & (P | PS)) !== P || frameOf(lo, hi) !== gfn)
    throw new Error(`a switching entry of level ${table.level} points to the table ${gfn}, not the guest's`);
}

/** Throws when a leaf allows more than the guest's walk of the same page does. */
function checkLeaf(vcpu: ShadowedVcpu, root: Gfn, page: number, gfn: Gfn, rights: number): void {
  const { paging } = vcpu;
  let table = root;
  let allowed = RW | US;
  for (let level = paging.levels; ; level--) {
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    const span = 2 ** (paging.shifts[level]! - 12);
    const { lo, hi } = vcpu.inspect(table, Math.floor(page / span) % entries);
    const where = `page 0x${page.toString(16)}`;
    if ((lo & P) === 0) throw new Error(`${where} is mapped, and not present in the guest`);
    if (!(paging.name === "pae" && level === 3)) allowed = (allowed & lo & (RW | US)) | ((allowed | hi) & NX);
    if (level > 1 && (lo & PS) === 0) {
      table = frameOf(lo, hi);
      continue;
    }
    if (frameOf(lo, hi) + (page % span) !== gfn)
      throw new Error(`${where} maps ${gfn}, not the guest's frame`);
    if ((lo & D) === 0) allowed &= ~RW;
    const more = (rights & ~allowed & (RW | US)) | (allowed & ~rights & NX);
    if (more !== 0) throw new Error(`${where} allows more than the guest does: ${more.toString(16)}`);
    return;
  }
}

function* entriesOf(
  vcpu: ShadowedVcpu,
  table: ShadowTable,
): Generator<{ word: number; lo: number; hi: number; index: number }> {
  const { paging, machine } = vcpu;
  const entries = table.level === paging.levels ? paging.rootEntries : paging.entries;
  for (let index = 0; index < entries; index++) {
    const word = vcpu.tables.word(table, index);
    const lo = machine.ram[word]!;
    if ((lo & P) !== 0) yield { word, lo, hi: highOf(vcpu, word), index };
  }
}

function highOf({ paging, machine }: ShadowedVcpu, word: number): number {
  return paging.entryBytes === 8 ? machine.ram[word + 1]! : 0;
}

/** Host frame → guest frame, for every frame that the guest was given. */
function guestFrames({ machine, map }: ShadowedVcpu): Map<Hfn, Gfn> {
  const guestOf = new Map<Hfn, Gfn>();
  for (const { gfn, host, frames } of readGuestMap(
    machine,
    map.root,
    machine.options.nested?.levels ?? MAP_LEVELS,
  ).pages) {
    for (let i = 0; i < frames; i++) guestOf.set(host + i, gfn + i);
  }
  return guestOf;
}
