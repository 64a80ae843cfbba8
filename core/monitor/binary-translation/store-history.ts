/**
 * Which stores of the guest's kernel are worth a translation of their own: those that fault often, as long as what they write
 * to is guarded (Adams & Agesen, ASPLOS 2006, section 4.3: adaptive binary translation, and back when it no longer pays).
 */

/** Faults of a store before it is translated anew, and uses of the new translation in a row that needed none. */
const OFTEN = 4;
const IN_VAIN = 64;

export class StoreHistory {
  private readonly faults = new Map<number, number>();
  /** Uses in a row that needed no emulation, of stores that are translated anew. */
  private readonly vain = new Map<number, number>();

  /** Whether a store is to be translated as one that faults. @param guest its address. */
  isFrequent(guest: number): boolean {
    return this.vain.has(guest);
  }

  /** A store faulted on a guarded page. Returns whether its translation is to be another. */
  noteFault(guest: number): boolean {
    if (this.vain.has(guest)) return true;
    const faults = (this.faults.get(guest) ?? 0) + 1;
    this.faults.set(guest, faults);
    if (faults < OFTEN) return false;
    this.vain.set(guest, 0);
    return true;
  }

  /** A store was made by its own translation. Returns whether that is to be an ordinary one again. */
  noteUse(guest: number, wasGuarded: boolean): boolean {
    const vain = wasGuarded ? 0 : (this.vain.get(guest) ?? 0) + 1;
    this.vain.set(guest, vain);
    if (vain < IN_VAIN) return false;
    this.vain.delete(guest);
    this.faults.delete(guest);
    return true;
  }
}
