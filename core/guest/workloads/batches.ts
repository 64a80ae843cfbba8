/**
 * Batches of references, and how a stream of any length is made of them. A page is named by its virtual page
 * number (address >> 12), an int32 for user addresses below 2^43, so that generators need no 64-bit
 * arithmetic:
 *
 *      low half  = (number << 12) | offset in page | kind          high half = number >>> 20
 */
import type { Gva } from "../../machine/address.js";
import type { GuestKernel } from "../kernel/kernel.js";

/** References in a batch: its 32 KiB stay in the host's cache. */
export const BATCH_REFERENCES = 4096;

/** References that bring TLBs and caches into their steady state: the lines of an 8 MiB cache. */
const WARM_UP_REFERENCES = 131_072;

/** References to make before the measured region; fewer where that is short. */
export function warmUpFor(references: number): number {
  return Math.min(WARM_UP_REFERENCES, Math.ceil(references / 2));
}

export function newBatch(references = BATCH_REFERENCES): Int32Array {
  return new Int32Array(2 * references);
}

/** Virtual page number of an address that begins a page. */
export function pageNumber(va: Gva): number {
  return va / 4096;
}

/** Runs `count` references; `fill` writes the next `n` of its stream to the start of the batch. */
export function runStream(
  kernel: GuestKernel,
  batch: Int32Array,
  count: number,
  fill: (n: number) => void,
): void {
  const most = batch.length / 2;
  for (let left = count; left > 0; left -= most) {
    const n = Math.min(left, most);
    fill(n);
    kernel.user(batch, n);
  }
}

/**
 * Makes one reference to each 4 KiB of [va, va + bytes): a program initialising its memory, which it then
 * owns.
 */
export function touchAll(kernel: GuestKernel, va: Gva, bytes: number, kind: number): void {
  const batch = newBatch();
  let page = pageNumber(va);
  runStream(kernel, batch, Math.ceil(bytes / 4096), (n) => {
    for (let i = 0; i < 2 * n; i += 2, page++) {
      batch[i] = (page << 12) | kind;
      batch[i + 1] = page >>> 20;
    }
  });
}

/**
 * One reference to each page of [va, va + bytes) in order, at a step of `stepBytes` (a multiple of 4 KiB).
 */
export function pageSweep(va: Gva, bytes: number, stepBytes: number, kind: number): Int32Array {
  const pages = Math.ceil(bytes / stepBytes);
  const batch = newBatch(pages);
  const first = pageNumber(va);
  for (let i = 0; i < pages; i++) {
    const number = first + i * (stepBytes / 4096);
    batch[2 * i] = (number << 12) | kind;
    batch[2 * i + 1] = number >>> 20;
  }
  return batch;
}
