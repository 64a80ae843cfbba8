/**
 * A guest's memory as its user side gave it (KVM_SET_USER_MEMORY_REGION): slots of guest-physical addresses that do not overlap.
 * What is in no slot is devices', or nobody's.
 */
import { type Gfn, PAGE_BYTES } from "../../machine/address.js";
import { UserError } from "../../util/errors.js";
import type { GuestExtent } from "../guest-ram.js";

/** struct kvm_userspace_memory_region. */
export interface KvmMemoryRegion {
  readonly slot: number;
  /** A multiple of 4096. */
  readonly guestPhysicalAddress: number;
  /** Bytes, a multiple of 4096; 0 takes the slot away. */
  readonly memorySize: number;
}

/** A slot in frames: `first` and behind its last. */
export interface MemorySlot {
  readonly first: Gfn;
  readonly end: Gfn;
}

/** KVM_CAP_NR_MEMSLOTS. */
const MOST_SLOTS = 512;
/** Orders of host pages of 1 GiB and 2 MiB. */
const HOST_ORDERS = [18, 9] as const;
const IOCTL = "KVM_SET_USER_MEMORY_REGION";

const refuse = (message: string, mend: string): never => {
  throw new UserError(message, { where: IOCTL, mend });
};

export class MemorySlots implements GuestExtent {
  private readonly slots = new Map<number, MemorySlot>();

  /** @param mostFrames guest-physical addresses end there. @param hostFrames that the host can give altogether. */
  constructor(
    private readonly mostFrames: number,
    private readonly hostFrames: number,
  ) {}

  /** Gives or takes away a slot. Returns what was in it before. @throws UserError: EINVAL, EEXIST or ENOMEM */
  set({ slot, guestPhysicalAddress, memorySize }: KvmMemoryRegion): MemorySlot | undefined {
    if (!Number.isInteger(slot) || slot < 0 || slot >= MOST_SLOTS)
      refuse(`EINVAL: there is no slot ${slot}`, `slots are 0 to ${MOST_SLOTS - 1}`);
    if (guestPhysicalAddress % PAGE_BYTES !== 0 || memorySize % PAGE_BYTES !== 0 || !(memorySize >= 0))
      refuse(
        `EINVAL: ${memorySize} bytes at 0x${guestPhysicalAddress.toString(16)} are no whole pages`,
        "address and size are multiples of 4096",
      );
    const before = this.slots.get(slot);
    if (memorySize === 0) {
      if (before === undefined)
        refuse(`EINVAL: slot ${slot} has no memory`, "only slots that were set are taken away");
      this.slots.delete(slot);
      return before;
    }
    const first = guestPhysicalAddress / PAGE_BYTES;
    const end = first + memorySize / PAGE_BYTES;
    this.check(slot, { first, end });
    if (before !== undefined)
      refuse(
        `EINVAL: slot ${slot} is in use`,
        "take it away first, by a size of 0: slots neither move nor grow",
      );
    this.slots.set(slot, { first, end });
    return undefined;
  }

  private check(slot: number, { first, end }: MemorySlot): void {
    if (first < 0 || end > this.mostFrames)
      refuse(
        "EINVAL: beyond the guest's physical addresses",
        `these end at 0x${(this.mostFrames * PAGE_BYTES).toString(16)}`,
      );
    for (const [number, other] of this.slots) {
      if (number !== slot && first < other.end && other.first < end)
        refuse(`EEXIST: slot ${slot} overlaps slot ${number}`, "slots have addresses of their own");
    }
    const others = [...this.slots.values()].reduce((sum, other) => sum + other.end - other.first, 0);
    if (others + end - first > this.hostFrames)
      refuse(
        `ENOMEM: the host has ${this.hostFrames * PAGE_BYTES} bytes for its guest, of which ${others * PAGE_BYTES} are given away`,
        "open it with more memoryBytes",
      );
  }

  get isEmpty(): boolean {
    return this.slots.size === 0;
  }

  /** Behind the last frame of all slots. */
  get end(): Gfn {
    let end = 0;
    for (const slot of this.slots.values()) end = Math.max(end, slot.end);
    return end;
  }

  has(gfn: Gfn): boolean {
    for (const { first, end } of this.slots.values()) if (gfn >= first && gfn < end) return true;
    return false;
  }

  /** log2 of the largest host page, of those up to an order, around a guest frame that lies wholly in one slot. */
  orderAt(gfn: Gfn, most: number): number {
    for (const order of HOST_ORDERS) {
      if (order > most) continue;
      const start = gfn - (gfn % 2 ** order);
      for (const { first, end } of this.slots.values())
        if (start >= first && start + 2 ** order <= end) return order;
    }
    return 0;
  }
}
