/**
 * The mapped areas of one process (Linux's VMAs): sorted, disjoint, each with one page size and one
 * protection. New areas go to the lowest gap that fits, so an address is used again soon after it was
 * unmapped, as Linux does.
 */
import type { Gva } from "../../machine/address.js";
import { GuestFailure } from "./guest-failure.js";

export interface Area {
  readonly start: Gva;
  /** One past the last byte. */
  readonly end: Gva;
  /** Level of the tables at which its pages are leaves; the page size in bytes. */
  readonly level: number;
  readonly pageBytes: number;
  readonly writable: boolean;
  readonly executable: boolean;
}

/** Unmapped bytes between neighbouring areas. */
const GAP = 4096;

export class AreaList {
  /** In order of address. */
  list: Area[] = [];

  /** A copy for a forked process. */
  clone(): AreaList {
    const copy = new AreaList();
    copy.list = this.list.slice();
    return copy;
  }

  /** The area that holds an address. */
  find(va: Gva): Area | undefined {
    for (const area of this.list) {
      if (va < area.start) return undefined;
      if (va < area.end) return area;
    }
    return undefined;
  }

  /** Lowest free address in [from, to) for `bytes`, aligned. @throws GuestFailure when there is none. */
  place(bytes: number, alignment: number, from: Gva, to: Gva): Gva {
    const align = (va: Gva): Gva => Math.ceil(va / alignment) * alignment;
    let candidate = align(from);
    for (const area of this.list) {
      if (candidate + bytes + GAP <= area.start) return candidate;
      candidate = Math.max(candidate, align(area.end + GAP));
    }
    if (candidate + bytes + GAP > to) {
      throw new GuestFailure(`guest out of addresses: no room to map ${bytes} bytes`);
    }
    return candidate;
  }

  insert(area: Area): void {
    const at = this.list.findIndex((other) => other.start > area.start);
    this.list.splice(at < 0 ? this.list.length : at, 0, area);
  }

  /**
   * Takes the parts of areas within [start, end) out of the list, splitting at the borders. In order of
   * address.
   */
  cut(start: Gva, end: Gva): Area[] {
    const inside: Area[] = [];
    const outside: Area[] = [];
    for (const area of this.list) {
      const from = Math.max(area.start, start);
      const to = Math.min(area.end, end);
      if (from >= to) {
        outside.push(area);
        continue;
      }
      if (from % area.pageBytes !== 0 || to % area.pageBytes !== 0) {
        throw new GuestFailure(`guest cut a page of ${area.pageBytes} bytes in two`);
      }
      if (area.start < from) outside.push({ ...area, end: from });
      inside.push({ ...area, start: from, end: to });
      if (to < area.end) outside.push({ ...area, start: to });
    }
    this.list = outside;
    return inside;
  }
}
