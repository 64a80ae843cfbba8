/**
 * Which PCID an address space uses: Linux's scheme of six dynamic ASIDs a CPU (arch/x86/mm/tlb.c,
 * choose_new_asid). A space that still owns a slot keeps its translations; another one takes the next slot in
 * turn and must flush it. PCID 0 is the kernel's own address space.
 */
const DYNAMIC_SLOTS = 6;

export class PcidSlots {
  /** PCID of the last `assign`. */
  pcid = 0;
  private readonly owners = new Array<number>(DYNAMIC_SLOTS).fill(0);
  private nextVictim = 0;

  /** Chooses `pcid` for a space. @returns whether translations under it are still this space's. */
  assign(spaceId: number): boolean {
    if (spaceId === 0) {
      this.pcid = 0;
      return true;
    }
    const known = this.owners.indexOf(spaceId);
    const slot = known >= 0 ? known : this.nextVictim;
    this.pcid = slot + 1;
    if (known >= 0) return true;
    this.nextVictim = (slot + 1) % DYNAMIC_SLOTS;
    this.owners[slot] = spaceId;
    return false;
  }
}
