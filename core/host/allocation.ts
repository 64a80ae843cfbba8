/**
 * Memory divided among guests by shares, as ESX Server does (Waldspurger, OSDI 2002, section 5): guests are given more memory than
 * there is; one that wants another page gets a free one, or one that is revoked from whoever pays least for its own
 * (memory/idle-tax.ts). Balloons carry it out: the guest that loses drops pages of its page cache, the one that gains fills its own.
 *
 * Left out: reservations, and swapping by the host; no guest is pressed below its kernel and services.
 */
import { activePart } from "./ballooning.js";
import { type AreaId, PAGE_BYTES } from "./contracts.js";
import type { Host } from "./host.js";
import type { Instance } from "./instances/instance.js";
import { type MemoryClient, revoke } from "./memory/idle-tax.js";
import type { RequestMeter } from "./meter.js";
import { SECOND } from "./time.js";

/** How often working sets are estimated and memory is divided anew (ESX: 30 s; Waldspurger, OSDI 2002, section 5.3). */
const PERIOD = 30 * SECOND;
/** Pages revoked before prices are compared again: 1 MiB. */
const STEP = 256;
/** Equal shares, whatever they are. */
const SHARES = 1000;

export interface AllocatedGuest {
  readonly instance: Instance;
  /** Its page cache: pages beyond the resident ones are wanted as they are missed. */
  readonly cache: AreaId;
  /** Pages that it believes to have. */
  readonly configured: number;
  /** Tells what its requests had to read. */
  readonly meter: RequestMeter;
}

export class ShareAllocation {
  private readonly seen: number[];

  /** @param pages for all guests together @param tax on idle memory, from 0 to less than 1 */
  constructor(
    private readonly host: Host,
    private readonly guests: readonly AllocatedGuest[],
    private readonly pages: number,
    private readonly tax: number,
  ) {
    this.seen = guests.map(({ meter }) => meter.pagesRead);
    const divide = (): void => {
      this.divide();
      host.clock.after(PERIOD, divide);
    };
    host.clock.after(PERIOD, divide);
  }

  /** Bytes that a guest has now. */
  bytesOf({ instance }: AllocatedGuest): number {
    return guestPages(this.host, instance) * PAGE_BYTES;
  }

  private divide(): void {
    const active = this.guests.map(({ instance }) => activePart(this.host, instance));
    this.guests.forEach((guest, index) => {
      const wanted = this.wantedBy(guest, index);
      const granted = Math.min(wanted, this.free());
      this.deflate(guest, granted);
      if (granted < wanted) this.revokeFor(guest, wanted - granted, active);
    });
  }

  /** What it missed since it was last asked, as far as it believes to have room. */
  private wantedBy(guest: AllocatedGuest, index: number): number {
    const { areas } = this.host.memory;
    const { meter, cache, configured, instance } = guest;
    const missed = meter.pagesRead - this.seen[index]!;
    this.seen[index] = meter.pagesRead;
    const room = Math.max(0, configured - guestPages(this.host, instance));
    return Math.min(missed, room, areas.pages[cache]! - areas.resident[cache]!);
  }

  private free(): number {
    const used = this.guests.reduce((sum, { instance }) => sum + guestPages(this.host, instance), 0);
    return Math.max(0, this.pages - used);
  }

  /**
   * Step by step, since who gains pays less for each of its pages and who loses more. What it would have to give itself it does
   * not get: then it has what its shares are worth.
   */
  private revokeFor(guest: AllocatedGuest, wanted: number, active: readonly number[]): void {
    for (let left = wanted; left > 0; ) {
      const taken = revoke(this.clients(active), Math.min(left, STEP), this.tax, STEP);
      const from = taken.findIndex((pages, index) => pages > 0 && this.guests[index] !== guest);
      if (from < 0) return;
      const pages = taken[from]!;
      this.inflate(this.guests[from]!, pages);
      this.deflate(guest, pages);
      left -= pages;
    }
  }

  private clients(active: readonly number[]): MemoryClient[] {
    const { areas } = this.host.memory;
    return this.guests.map(({ instance, cache }, index) => ({
      shares: SHARES,
      pages: guestPages(this.host, instance),
      active: active[index]!,
      available: areas.resident[cache]!,
    }));
  }

  /** The guest drops so many pages of its cache, from the end. */
  private inflate({ cache }: AllocatedGuest, pages: number): void {
    const { memory } = this.host;
    memory.release(cache, memory.areas.resident[cache]! - pages, pages);
  }

  /** The guest may keep so many pages more of what it reads. */
  private deflate({ cache }: AllocatedGuest, pages: number): void {
    const { memory } = this.host;
    if (pages > 0) memory.touch(cache, memory.areas.resident[cache]!, pages, true);
  }
}

/** Pages of a guest's memory that are in frames: without its monitor, its tables and what the host's kernel has for it. */
export function guestPages(host: Host, { owner }: Instance): number {
  const { areas, owners } = host.memory;
  let pages = 0;
  for (let area = owners.firstArea[owner]!; area >= 0; area = areas.nextOfOwner[area]!)
    if (areas.isOfGuest(area)) pages += areas.resident[area]!;
  return pages;
}
