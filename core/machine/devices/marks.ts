/**
 * The region-of-interest port, 0x5640 ("V@"): a guest marks what is to be measured by a 32-bit OUT (guest/programs/
 * README.md). No PC has anything there, so an image with marks runs anywhere.
 */
import { type Bus, DWORDS } from "./bus.js";

export const MARK_PORT = 0x5640;
/** Values: the region of interest begins and ends; above are phases of the guest's own. */
export const MARK = { begin: 1, end: 2 } as const;

export class Marks {
  /** @param onMark told of each value written. */
  constructor(bus: Bus, onMark: (value: number) => void) {
    bus.claimPorts(
      MARK_PORT,
      4,
      { readPort: () => 0xffff_ffff, writePort: (_port, _size, value) => onMark(value) },
      DWORDS,
    );
  }
}
