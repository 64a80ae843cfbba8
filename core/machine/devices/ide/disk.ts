/**
 * What a drive stores: an image that is never changed, and the pages written since, copied on first write. A snapshot
 * shares pages with the disk; a page is copied again when it is written after the snapshot, so saving costs no copy.
 */
import type { Stateful } from "../device.js";

export const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

/** Pages written, by number. */
export type DiskState = readonly (readonly [number, Uint8Array])[];

export class Disk implements Stateful<DiskState> {
  /** Sectors of 512 bytes; the image's last one is filled up with zeros. */
  readonly sectors: number;
  private pages = new Map<number, Uint8Array>();
  /** Pages that no snapshot shares. */
  private readonly own = new Set<number>();

  constructor(private readonly image: Uint8Array) {
    this.sectors = Math.ceil(image.length / SECTOR_BYTES);
  }

  /** Reads whole bytes from a byte offset. */
  read(offset: number, bytes: Uint8Array): void {
    this.forPages(offset, bytes, (number, start, part) => {
      const page = this.pages.get(number);
      const first = number * PAGE_BYTES + start;
      const source =
        page?.subarray(start, start + part.length) ?? this.image.subarray(first, first + part.length);
      part.fill(0, source.length);
      part.set(source);
    });
  }

  write(offset: number, bytes: Uint8Array): void {
    this.forPages(offset, bytes, (number, start, part) => this.writablePage(number).set(part, start));
  }

  /** The disk keeps what was written. */
  reset(): void {}

  save(): DiskState {
    this.own.clear();
    return [...this.pages];
  }

  restore(state: DiskState): void {
    this.own.clear();
    this.pages = new Map(state);
  }

  private writablePage(number: number): Uint8Array {
    const shared = this.pages.get(number);
    if (shared !== undefined && this.own.has(number)) return shared;
    const page = new Uint8Array(PAGE_BYTES);
    page.set(shared ?? this.image.subarray(number * PAGE_BYTES, (number + 1) * PAGE_BYTES));
    this.pages.set(number, page);
    this.own.add(number);
    return page;
  }

  /** Calls `use` for the part of `bytes` in each page: the page's number, the first offset in it, and the part. */
  private forPages(
    offset: number,
    bytes: Uint8Array,
    use: (number: number, start: number, part: Uint8Array) => void,
  ): void {
    for (let done = 0; done < bytes.length; ) {
      const start = (offset + done) % PAGE_BYTES;
      const count = Math.min(bytes.length - done, PAGE_BYTES - start);
      use((offset + done - start) / PAGE_BYTES, start, bytes.subarray(done, done + count));
      done += count;
    }
  }
}
