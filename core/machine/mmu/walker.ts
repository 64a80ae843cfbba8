/**
 * The hardware page walk: from a virtual address through the tables that CR3 points to (Intel SDM vol. 3, 4.3 to 4.7),
 * and where nested paging is on, each table's address and the page's through the second dimension (host-walker.ts).
 *
 *      4-level    63..48 sign | 47..39 PML4 | 38..30 PDPT | 29..21 PD | 20..12 PT | 11..0 offset
 *
 *      nested, four levels each way:   nL4  nL4  nL4  nL4  nL4
 *                                      nL3  nL3  nL3  nL3  nL3
 *                                      nL2  nL2  nL2  nL2  nL2
 *                                      nL1  nL1  nL1  nL1  nL1
 *                                       ↓    ↓    ↓    ↓    ↓        (4 + 1) × (4 + 1) − 1 = 24 references
 *                                      gL4→ gL3→ gL2→ gL1→ page
 *
 * Accessed and dirty bits are set only when the whole walk has succeeded, and paging-structure caches filled then.
 * Left out: SMEP, SMAP, protection keys, PCD/PWT memory types. Hot code: nothing is allocated, results are fields.
 */
import { CYCLES } from "../../events/categories.js";
import type { Counters } from "../../events/counters.js";
import { EVENT } from "../../events/events.js";
import type { Caches } from "../cache.js";
import { REGISTER, type Registers } from "../registers.js";
import {
  A,
  D,
  frameOf,
  G,
  NX,
  P,
  PF_FETCH,
  PF_PRESENT,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PS,
  RW,
  US,
} from "./entry.js";
import { indexAt, type PagingFormat } from "./format.js";
import type { HostWalker } from "./host-walker.js";
import type { LeafHints } from "./leaf-hints.js";
import { FETCH, WRITE } from "./permissions.js";
import { FLAGS, FRAME } from "./translations.js";
import type { WalkCaches } from "./walk-caches.js";

/** How a walk ended. */
export const WALK_DONE = 0;
export const WALK_PAGE_FAULT = 1;
/** EPT violation or nested page fault. */
export const WALK_VIOLATION = 2;
/** Agile paging: the shadow tables lack the translation, or do not allow the access. */
export const WALK_SHADOW_FAULT = 3;

export interface WalkerParts {
  readonly registers: Registers;
  readonly ram: Int32Array;
  readonly counters: Counters;
  /** Undefined: every reference costs `flatLatency`. */
  readonly caches: Caches | undefined;
  readonly flatLatency: number;
  readonly walkCaches: WalkCaches | undefined;
  /** Undefined: one dimension. */
  readonly host: HostWalker | undefined;
  readonly format: PagingFormat;
  readonly physicalAddressBits: number;
  readonly hasPage1G: boolean;
  /** EFER.NXE; without it bit 63 is reserved. */
  readonly noExecute: boolean;
  /** Price of setting A and D bits, cycles. */
  readonly entryBitsCost: number;
  readonly hints: LeafHints;
}

export class Walker {
  /** The PAE format's four PDPTEs, two words each, as the last CR3 load read them. */
  readonly pdptes: Int32Array;

  /** Of a successful walk: host frame of the 4 KiB page asked for. */
  frame = 0;
  /** R/W and U/S of all levels, D and G of the leaf (D also requires the nested entry's), NX if any forbids. */
  rights = 0;
  /** log2 of the frames of the translation: the smaller of both dimensions. */
  order = 0;
  /** log2 of the frames of the guest's page. */
  guestOrder = 0;

  protected readonly path = new Int32Array(6);
  private readonly tables = new Int32Array(6);
  private readonly tableRights = new Int32Array(6);
  /** High-half bits of an entry that must be zero: above MAXPHYADDR, and NX where it is off. */
  readonly reservedHi: number;
  /** Bits of a 4 MiB page's entry that must be zero. */
  private readonly reservedPse36: number;
  private readonly wordShift: number;
  private readonly largestLeaf: number;
  protected references = 0;

  /** The second dimension, where there is one. */
  readonly host: HostWalker | undefined;
  private readonly registers: Int32Array;

  constructor(readonly parts: WalkerParts) {
    this.host = parts.host;
    this.registers = parts.registers.words;
    this.pdptes = this.registers.subarray(REGISTER.pdptes, REGISTER.pdptes + 8);
    this.writeProtect = true;
    const { format, physicalAddressBits, noExecute } = parts;
    const frameBits = Math.max(0, physicalAddressBits - 32);
    // Bits 51..MAXPHYADDR are reserved; PAE reserves 62..52 too, which the longer formats ignore.
    const ignoredHi = format.name === "pae" ? 0x7ff0_0000 : 0;
    this.reservedHi = (0xfffff & ~((1 << frameBits) - 1)) | ignoredHi | (noExecute ? 0 : NX);
    // PSE-36: bits 20..13 are address bits 39..32 as far as there are any; 21 and the rest are reserved (table 4-4).
    const pseBits = Math.min(physicalAddressBits, 40) - 19;
    this.reservedPse36 = (0x3f_ffff >>> pseBits) << pseBits;
    this.wordShift = format.entryBytes === 8 ? 1 : 0;
    this.largestLeaf = format.levels === 2 ? 2 : format.levels === 3 ? 2 : parts.hasPage1G ? 3 : 2;
  }

  /** The register that has the root. */
  readonly rootRegister: "root" | "guestRoot" = "root";

  /** CR3: frame of the root, guest-physical under nested paging. */
  get root(): number {
    return this.registers[REGISTER[this.rootRegister]]!;
  }
  set root(frame: number) {
    this.registers[REGISTER[this.rootRegister]] = frame;
  }

  /** CR0.WP. */
  get writeProtect(): boolean {
    return this.registers[REGISTER.writeProtect] !== 0;
  }
  set writeProtect(on: boolean) {
    this.registers[REGISTER.writeProtect] = on ? 1 : 0;
  }

  /** Of a page fault: its error code. */
  get errorCode(): number {
    return this.registers[REGISTER.errorCode]!;
  }

  /** Of a violation: the guest frame, whether the access to it was a write, and whether it was to a guest table. */
  get violationFrame(): number {
    return this.registers[REGISTER.violationFrame]!;
  }
  get violationWrite(): boolean {
    return this.registers[REGISTER.violationWrite] !== 0;
  }
  get violationTable(): boolean {
    return this.registers[REGISTER.violationTable] !== 0;
  }

  /**
   * Walks for one access. Charges every reference; counts nothing but references.
   * @param hi,lo halves of the address. @param kind READ, WRITE or FETCH. @param tag high tag (tlb.ts).
   */
  walk(hi: number, lo: number, kind: number, user: boolean, tag: number, now: number): number {
    const { host, counters } = this.parts;
    this.references = 0;
    if (host !== undefined) host.references = 0;
    const status = this.descend(hi, lo, kind, user, tag, now);
    const references = this.references + (host === undefined ? 0 : host.references);
    const { events } = counters;
    events[EVENT.walks]!++;
    events[EVENT.walk_refs]! += references;
    if (references > events[EVENT.walk_refs_max]!) events[EVENT.walk_refs_max] = references;
    return status;
  }

  /** The walk itself: its result is in the fields. */
  protected descend(hi: number, lo: number, kind: number, user: boolean, tag: number, now: number): number {
    const { ram, format, walkCaches, counters, hints } = this.parts;
    const pageLo = (lo >>> 12) | (hi << 20);
    let level = format.levels;
    let table = -1;
    let rights = RW | US;
    if (walkCaches !== undefined) {
      for (let lowest = 1; lowest < format.levels; lowest++) {
        const entry = walkCaches.find(lowest, pageLo, tag, now);
        if (entry < 0) continue;
        level = lowest;
        table = walkCaches.store.words[entry + FRAME]!;
        rights = this.fromCache(walkCaches.store.words[entry + FLAGS]!);
        counters.events[EVENT.walk_cache_guest_hits]!++;
        break;
      }
    }
    const start = level;
    if (table < 0 && format.entries !== format.rootEntries) {
      // PAE: the PDPTE is a register.
      const index = (lo >>> 30) * 2;
      const pdpte = this.pdptes[index]!;
      if ((pdpte & P) === 0) return this.fault(0, kind, user);
      table = this.toHost(frameOf(pdpte, this.pdptes[index + 1]!));
      if (table < 0) return WALK_VIOLATION;
      level = 2;
      this.path[3] = -1;
      this.tables[2] = table;
      this.tableRights[2] = rights;
    } else if (table < 0) {
      table = this.rootTable();
      if (table < 0) return WALK_VIOLATION;
    }

    let entryLo = 0;
    let entryHi = 0;
    for (; ; level--) {
      const index = indexAt(format.shifts[level]!, format.entries, hi, lo);
      const word = table * 1024 + (index << this.wordShift);
      this.path[level] = word;
      this.reference(word, level);
      entryLo = ram[word]!;
      entryHi = this.wordShift === 1 ? ram[word + 1]! : 0;
      if ((entryLo & P) === 0) return this.fault(0, kind, user);
      if ((entryHi & this.reservedHi) !== 0) return this.fault(PF_PRESENT | PF_RESERVED, kind, user);
      rights = (rights & entryLo & (RW | US)) | ((rights | entryHi) & NX);
      if (level === 1) break;
      if ((entryLo & PS) !== 0) {
        if ((entryLo & this.reservedInLarge(level)) !== 0)
          return this.fault(PF_PRESENT | PF_RESERVED, kind, user);
        break;
      }
      const next = this.tableBelow(entryLo, entryHi, level);
      if (next < 0) return WALK_VIOLATION;
      table = next;
      this.tables[level - 1] = table;
      this.tableRights[level - 1] = this.toCache(rights);
    }

    const write = kind === WRITE;
    if (
      (user && (rights & US) === 0) ||
      (write && (rights & RW) === 0 && (user || this.writeProtect)) ||
      (kind === FETCH && (rights & NX) !== 0)
    ) {
      return this.fault(PF_PRESENT, kind, user);
    }

    const guestOrder = format.shifts[level]! - 12;
    const base = this.wordShift === 0 && level === 2 ? pse36Frame(entryLo) : frameOf(entryLo, entryHi);
    const inPage = (1 << guestOrder) - 1;
    const guestFrame = (base & ~inPage) | (pageLo & inPage);
    let order = guestOrder;
    let dirty = write || (entryLo & D) !== 0;
    const host = this.second;
    if (host === undefined) {
      if (write && (entryLo & D) === 0) {
        const status = this.firstWrite(hi, lo, kind, user, tag, now);
        if (status !== WALK_DONE) return status;
      }
      this.frame = guestFrame;
    } else {
      const frame = host.translate(guestFrame, write, kind === FETCH);
      if (frame < 0) return this.violation(guestFrame, write, false);
      this.frame = frame;
      if (host.order < order) order = host.order;
      // A write must walk again until the nested entry allows writes and is dirty.
      if (!host.writable) dirty = false;
      if (!host.executable) rights |= NX;
    }
    if (level === 1) hints.noteGuest(pageLo, table);
    this.setBits(start, level, write);
    if (walkCaches !== undefined) {
      for (let below = start - 1; below >= level; below--) {
        walkCaches.fill(below, pageLo, tag, this.tables[below]!, this.tableRights[below]!, now);
      }
    }
    this.rights = rights | (dirty ? D : 0) | (entryLo & G);
    this.order = order;
    this.guestOrder = guestOrder;
    return WALK_DONE;
  }

  /** Reads the PAE format's four PDPTEs at a CR3 load. Returns false on a violation. `offset` in bytes within the frame. */
  loadPdptes(offset: number): boolean {
    const { ram, host, counters } = this.parts;
    if (host !== undefined) host.references = 0;
    const table = this.toHost(this.root);
    if (host !== undefined) counters.events[EVENT.walk_refs]! += host.references;
    if (table < 0) return false;
    for (let word = 0; word < 8; word++) this.pdptes[word] = ram[table * 1024 + (offset >>> 2) + word]!;
    return true;
  }

  // What agile paging does otherwise (agile-walker.ts).

  /** The dimension through which the frames that entries name are to be translated; undefined: they are the host's. */
  protected get second(): HostWalker | undefined {
    return this.parts.host;
  }

  /** The host frame of the root, or -1 after noting the violation. */
  protected rootTable(): number {
    return this.toHost(this.root);
  }

  /** The host frame of the table that an entry of a level points to, or -1 after noting the violation. */
  protected tableBelow(lo: number, hi: number, _level: number): number {
    return this.toHost(frameOf(lo, hi));
  }

  /** What a paging-structure cache holds of a table besides its frame, and the rights in that. */
  protected toCache(rights: number): number {
    return rights;
  }
  protected fromCache(flags: number): number {
    return flags;
  }

  /** A page is written whose leaf, in one dimension, is not dirty. Returns WALK_DONE, or why it may not be written. */
  protected firstWrite(
    _hi: number,
    _lo: number,
    _kind: number,
    _user: boolean,
    _tag: number,
    _now: number,
  ): number {
    return WALK_DONE;
  }

  /** The host frame of a guest table, or -1 after noting the violation. */
  protected toHost(gfn: number): number {
    const { host } = this.parts;
    if (host === undefined) return gfn;
    const write = host.parts.tableReadsAreWrites;
    const frame = host.translate(gfn, write, false);
    if (frame < 0) this.violation(gfn, write, true);
    return frame;
  }

  /** Low-half bits that must be zero in a large page's entry at a level; all, where there are no such pages. */
  reservedInLarge(level: number): number {
    if (level > this.largestLeaf) return -1;
    if (this.wordShift === 0) return this.reservedPse36;
    return level === 2 ? 0x1f_e000 : 0x3fff_e000;
  }

  private setBits(start: number, leaf: number, write: boolean): void {
    const { ram, counters, entryBitsCost } = this.parts;
    for (let level = start; level >= leaf; level--) {
      const word = this.path[level]!;
      if (word < 0) continue; // a PDPTE register has no A bit
      const wanted = level === leaf && write ? A | D : A;
      if ((ram[word]! & wanted) === wanted) continue;
      ram[word]! |= wanted;
      counters.events[EVENT.entry_bits_set]!++;
      counters.cycles[CYCLES.walk_guest]! += entryBitsCost;
    }
  }

  protected fault(code: number, kind: number, user: boolean): number {
    const fetch = kind === FETCH && this.parts.noExecute && this.parts.format.hasNx;
    this.registers[REGISTER.errorCode] =
      code | (kind === WRITE ? PF_WRITE : 0) | (user ? PF_USER : 0) | (fetch ? PF_FETCH : 0);
    return WALK_PAGE_FAULT;
  }

  protected violation(gfn: number, write: boolean, table: boolean): number {
    this.registers[REGISTER.violationFrame] = gfn;
    this.registers[REGISTER.violationWrite] = write ? 1 : 0;
    this.registers[REGISTER.violationTable] = table ? 1 : 0;
    return WALK_VIOLATION;
  }

  /** One entry is read: counted and priced. `word` is its place in RAM. */
  protected reference(word: number, level: number): void {
    const { counters, caches, flatLatency } = this.parts;
    const { events, cycles } = counters;
    this.references++;
    events[EVENT.walk_refs_guest_l1 + level - 1]!++;
    if (caches === undefined) {
      cycles[CYCLES.walk_guest]! += flatLatency;
      return;
    }
    cycles[CYCLES.walk_guest]! += caches.access(word >>> 10, (word >>> 4) & 63);
    events[EVENT.walk_hits_l1 + caches.level - 1]!++;
  }
}

/** The frame of a 4 MiB page: bits 31..22, and PSE-36's bits 20..13 as address bits 39..32. */
function pse36Frame(entryLo: number): number {
  return ((entryLo >>> 12) & ~0x3ff) | (((entryLo >>> 13) & 0xff) << 20);
}
