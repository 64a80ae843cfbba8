/** What makes a guest's references on a machine. Two drivers do the same: references.ts and compiled/driver.ts. */
/** Slots of a driver's predictions, for data and for fetches each. */
export const PREDICTIONS = 1 << 12;
/** References between two decisions whether to read ahead (mmu/leaf-hints.ts). */
export const READ_AHEAD = 128;

export interface Driver {
  /** Host frame of the last reference made by `once`. */
  readonly frame: number;
  /**
   * Runs references [from, to) of a batch (address.ts). Returns `to`, or the index of the reference that could not be
   * translated (`mmu.status`), to be run again once that is resolved.
   */
  run(refs: Int32Array, from: number, to: number, user: boolean): number;
  /** One reference; the same as a batch of one, with its host frame left in `frame`. Returns whether it was made. */
  once(hi: number, lo: number, kind: number, user: boolean): boolean;
}
