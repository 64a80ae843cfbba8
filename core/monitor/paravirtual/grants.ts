/**
 * Grant tables, version 1: pages that a domain lets another map or copy (grant_table.h). This machine has one domain, so what it
 * grants it grants itself; whether it may is looked at as if it were another's.
 *
 *      entry   flags: 16 (1 permit, 4 read-only, 8 being read, 16 being written) | domain: 16 | frame: 32
 */
import { OWNER } from "../../events/memory-owners.js";
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import { A, D, P, RW, US } from "../../machine/mmu/entry.js";
import { DOMAIN_SELF, ERROR, GRANT, GRANT_COPY, GRANT_MAP, GRANT_OP, GRANT_STATUS, OK } from "./abi.js";
import { type Calls, type Domain, MOST_ELEMENTS } from "./call.js";
import { OWNED_BY, USE } from "./frame-types.js";

/** The domain's own number. */
const DOMAIN = 0;
const ENTRY_BYTES = 8;
const REFERENCES = PAGE_BYTES / ENTRY_BYTES;
/** Bytes of the operations' structures, and of copy's by the width of words. */
const BYTES = { map: 32, unmap: 24, copy: { 4: 24, 8: 40 } } as const;

interface Mapping {
  readonly reference: number;
  readonly address: number;
  readonly isWritable: boolean;
}

export function grantCalls(domain: Domain): Calls {
  const grants = new Grants(domain);
  return { grant_table_op: (args) => grants.operate(args.low[0]!, args.word(1), args.low[2]! >>> 0) };
}

class Grants {
  /** The page of entries, the monitor's, which the guest may map; -1 before it asked. */
  private table: Hfn = -1;
  private readonly mappings = new Map<number, Mapping>();
  private nextHandle = 0;

  constructor(private readonly domain: Domain) {}

  operate(operation: number, list: number, count: number): number {
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    const { wordBytes } = this.domain.access;
    switch (operation) {
      case GRANT_OP.setup:
        return this.setup(list);
      case GRANT_OP.querySize:
        return this.querySize(list);
      case GRANT_OP.map:
        return this.each(list, count, BYTES.map, 18, (at) => this.map(at));
      case GRANT_OP.unmap:
        return this.each(list, count, BYTES.unmap, 20, (at) => this.unmap(at));
      case GRANT_OP.copy:
        return this.each(list, count, BYTES.copy[wordBytes], wordBytes === 4 ? 20 : 36, (at) =>
          this.copy(at),
        );
      default:
        return ERROR.unknown;
    }
  }

  /** Each of a list, whose outcome is a field of its own. */
  private each(
    list: number,
    count: number,
    bytes: number,
    statusAt: number,
    act: (at: number) => number,
  ): number {
    for (let at = list; at < list + count * bytes; at += bytes)
      this.domain.access.write16(at + statusAt, act(at));
    return OK;
  }

  private isSelf(domain: number): boolean {
    return domain === DOMAIN_SELF || domain === DOMAIN;
  }

  private setup(at: number): number {
    const { access, hardware, paging } = this.domain;
    const isWide = access.wordBytes === 8;
    const asked = access.read32(at + 4) >>> 0;
    const isFit = this.isSelf(access.read16(at)) && asked <= 1;
    access.write16(at + 8, isFit ? GRANT_STATUS.okay : GRANT_STATUS.error);
    if (!isFit || asked === 0) return OK;
    if (this.table < 0) {
      const { machine } = hardware;
      this.table = machine.frames.takeBacked(OWNER.monitor_memory);
      machine.ram.fill(0, this.table * (PAGE_BYTES / 4), (this.table + 1) * (PAGE_BYTES / 4));
      paging.types.setOwner(this.table, OWNED_BY.shared);
    }
    access.writeWord(access.readWord(at + (isWide ? 16 : 12)), this.table);
    return OK;
  }

  private querySize(at: number): number {
    const { access } = this.domain;
    const isFit = this.isSelf(access.read16(at));
    access.write32(at + 4, this.table < 0 ? 0 : 1);
    access.write32(at + 8, 1);
    access.write16(at + 12, isFit ? GRANT_STATUS.okay : GRANT_STATUS.badDomain);
    return OK;
  }

  /** The frame that a reference grants, for reading or writing, or a status below 0. */
  private granted(reference: number, isWrite: boolean): number {
    if (this.table < 0 || reference >= REFERENCES) return GRANT_STATUS.badReference;
    const [low, frame] = this.entry(reference);
    if ((low & GRANT.kinds) !== GRANT.permit || low >>> 16 !== DOMAIN) return GRANT_STATUS.badReference;
    if (isWrite && (low & GRANT.readOnly) !== 0) return GRANT_STATUS.denied;
    return this.domain.paging.types.isGuests(frame) ? frame : GRANT_STATUS.badPage;
  }

  private entry(reference: number): readonly [number, number] {
    const { ram } = this.domain.hardware.machine;
    const word = this.table * (PAGE_BYTES / 4) + 2 * reference;
    return [ram[word]!, ram[word + 1]! >>> 0];
  }

  private map(at: number): number {
    const { access, paging } = this.domain;
    const flags = access.read32(at + 8);
    const reference = access.read32(at + 12) >>> 0;
    if (!this.isSelf(access.read16(at + 16))) return GRANT_STATUS.badDomain;
    if ((flags & GRANT_MAP.host) === 0 || (flags & GRANT_MAP.containsEntry) !== 0) return GRANT_STATUS.error;
    const isWritable = (flags & GRANT_MAP.readOnly) === 0;
    const frame = this.granted(reference, isWritable);
    if (frame < 0) return frame;
    const address = access.read64(at);
    const entry = paging.lowestEntry(address);
    if (entry === undefined) return GRANT_STATUS.badAddress;
    const rights = P | A | (isWritable ? RW | D : 0) | ((flags & GRANT_MAP.application) === 0 ? 0 : US);
    if (!paging.update(entry.table, entry.index, (frame << 12) | rights, frame >>> 20))
      return GRANT_STATUS.badPage;
    const handle = this.nextHandle++;
    this.mappings.set(handle, { reference, address, isWritable });
    this.note(reference);
    access.write32(at + 20, handle);
    access.write32(at + 24, frame << 12);
    access.write32(at + 28, frame >>> 20);
    return GRANT_STATUS.okay;
  }

  private unmap(at: number): number {
    const { access, paging } = this.domain;
    const handle = access.read32(at + 16) >>> 0;
    const mapping = this.mappings.get(handle);
    if (mapping === undefined) return GRANT_STATUS.badHandle;
    if (mapping.address !== access.read64(at)) return GRANT_STATUS.badAddress;
    const entry = paging.lowestEntry(mapping.address);
    if (entry === undefined || !paging.update(entry.table, entry.index, 0, 0)) return GRANT_STATUS.badAddress;
    paging.invalidate(mapping.address);
    this.mappings.delete(handle);
    this.note(mapping.reference);
    return GRANT_STATUS.okay;
  }

  /** Says in an entry how its page is used now. */
  private note(reference: number): void {
    const { ram } = this.domain.hardware.machine;
    const word = this.table * (PAGE_BYTES / 4) + 2 * reference;
    let low = ram[word]! & ~(GRANT.reading | GRANT.writing);
    for (const mapping of this.mappings.values()) {
      if (mapping.reference !== reference) continue;
      low |= mapping.isWritable ? GRANT.reading | GRANT.writing : GRANT.reading;
    }
    ram[word] = low;
  }

  private copy(at: number): number {
    const { access, paging, hardware } = this.domain;
    const { wordBytes } = access;
    /** A side: a reference or a frame, a domain, an offset in the page. */
    const sideBytes = 2 * wordBytes;
    const end = at + 2 * sideBytes;
    const length = access.read16(end);
    const flags = access.read16(end + 2);
    const side = (base: number, isGrant: boolean, isWrite: boolean): number => {
      if (!this.isSelf(access.read16(base + wordBytes))) return GRANT_STATUS.badDomain;
      const what = access.readWord(base);
      if (isGrant) return this.granted(what, isWrite);
      return paging.types.isGuests(what) ? what : GRANT_STATUS.badPage;
    };
    const from = side(at, (flags & GRANT_COPY.fromGrant) !== 0, false);
    const to = side(at + sideBytes, (flags & GRANT_COPY.toGrant) !== 0, true);
    if (from < 0 || to < 0) return Math.min(from, to);
    const fromOffset = access.read16(at + wordBytes + 2);
    const toOffset = access.read16(at + sideBytes + wordBytes + 2);
    if (fromOffset + length > PAGE_BYTES || toOffset + length > PAGE_BYTES) return GRANT_STATUS.badCopy;
    // Memory alone may be written so, not a page that the hardware or the monitor trusts.
    if (!paging.use(to, USE.writable)) return GRANT_STATUS.badPage;
    hardware.ram.copyWithin(
      to * PAGE_BYTES + toOffset,
      from * PAGE_BYTES + fromOffset,
      from * PAGE_BYTES + fromOffset + length,
    );
    hardware.engine.wroteMemory(to * PAGE_BYTES + toOffset, length);
    paging.release(to);
    return GRANT_STATUS.okay;
  }
}
