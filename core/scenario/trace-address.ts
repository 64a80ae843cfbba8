/** Which address a trace accesses: one that was asked for, or one drawn from the whole of user memory. */
import type { KernelLayout } from "../guest/kernel/layout.js";
import { UserError } from "../util/errors.js";
import type { Random } from "../util/random.js";
import { hex } from "./trace-entries.js";

/** User addresses that whole pages can map: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** @param page bytes. The guest keeps the last 4 KiB of user memory unmapped. */
export function spanOf({ userStart, userEnd }: KernelLayout, page: number): Span {
  return { start: Math.ceil(userStart / page) * page, end: Math.floor((userEnd - 4096) / page) * page };
}

/**
 * The address of the 8 bytes that are accessed.
 * @throws UserError for an address that this guest cannot map for its user.
 */
export function chooseAddress(wanted: number | undefined, span: Span, random: Random): number {
  if (wanted === undefined) return span.start + random.below((span.end - span.start) / 8) * 8;
  const address = Math.floor(wanted / 8) * 8;
  if (address >= span.start && address < span.end) return address;
  throw new UserError(`address ${hex(wanted)} lies outside the guest's user memory`, {
    mend: `with these pages it reaches from ${hex(span.start)} up to ${hex(span.end - 1)}`,
  });
}

/** An address one page further or before, under the same table where there is one. */
export function neighbourOf(address: number, span: Span, page: number): number {
  const isOdd = Math.floor(address / page) % 2 === 1;
  const candidates = isOdd ? [address - page, address + page] : [address + page, address - page];
  return candidates.find((va) => va >= span.start && va < span.end)!;
}
