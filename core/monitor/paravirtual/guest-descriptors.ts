/**
 * The guest's own descriptors: the first fourteen pages of the GDT, frames of the guest's that are nothing else meanwhile and
 * that it cannot write (set_gdt, update_descriptor; xen/arch/x86/mm.c, check_descriptor). Code and data alone, of no ring that
 * is above the guest's kernel's.
 */
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { ERROR, OK, XEN_DESCRIPTORS } from "./abi.js";
import type { DirectPaging } from "./direct-paging.js";
import { USE } from "./frame-types.js";
import type { GuestAccess } from "./guest-access.js";
import type { HypervisorSpace } from "./hypervisor-space.js";

const DESCRIPTOR_BYTES = 8;
const PER_PAGE = PAGE_BYTES / DESCRIPTOR_BYTES;
/** Descriptors before Xen's own. */
const MOST_DESCRIPTORS = XEN_DESCRIPTORS / DESCRIPTOR_BYTES;
/** Of a descriptor's second word (SDM vol. 3, 3.4.5). */
const PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const PRIVILEGE_SHIFT = 13;
const PRIVILEGE = 3 << PRIVILEGE_SHIFT;

export class GuestDescriptors {
  private frames: readonly Hfn[] = [];

  /** @param kernelRing of the guest. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly paging: DirectPaging,
    private readonly space: HypervisorSpace,
    private readonly access: GuestAccess,
    private readonly kernelRing: number,
  ) {}

  /** Frames whose numbers are words at an address take the place of those that were there. */
  setTable(list: number, descriptors: number): number {
    if (descriptors > MOST_DESCRIPTORS) return ERROR.invalid;
    const { paging, access, space } = this;
    const frames: Hfn[] = [];
    for (let page = 0; page < Math.ceil(descriptors / PER_PAGE); page++) {
      const frame = access.readWord(list + page * access.wordBytes);
      if (!this.use(frame)) {
        for (const used of frames) paging.release(used);
        return ERROR.invalid;
      }
      frames.push(frame);
    }
    for (const page of this.frames.keys()) space.mapDescriptorPage(page, undefined);
    for (const [page, frame] of frames.entries()) space.mapDescriptorPage(page, frame);
    for (const frame of this.frames) paging.release(frame);
    this.frames = frames;
    paging.flushAll();
    return OK;
  }

  /** Replaces eight bytes at a machine address, of a page of descriptors or of memory that may be one. */
  update(address: number, low: number, high: number): number {
    const { paging } = this;
    const frame = Math.floor(address / PAGE_BYTES);
    const fit = this.fit(high);
    if (!paging.types.isGuests(frame) || address % DESCRIPTOR_BYTES !== 0 || fit === undefined)
      return ERROR.invalid;
    const index = (address % PAGE_BYTES) / DESCRIPTOR_BYTES;
    if (paging.types.useOf(frame) === USE.descriptors) {
      paging.store(frame, index, low, fit);
      return OK;
    }
    if (!paging.use(frame, USE.writable)) return ERROR.invalid;
    paging.store(frame, index, low, fit);
    paging.release(frame);
    return OK;
  }

  /** A frame becomes a page of descriptors; false where the guest may not have it as one. */
  private use(frame: Hfn): boolean {
    const { paging, hardware } = this;
    const isNew = paging.types.useOf(frame) !== USE.descriptors;
    if (!paging.use(frame, USE.descriptors)) return false;
    const { ram } = hardware.machine;
    for (let index = 0; isNew && index < PER_PAGE; index++) {
      const at = frame * (PAGE_BYTES / 4) + 2 * index + 1;
      const fit = this.fit(ram[at]!);
      if (fit === undefined) {
        paging.release(frame);
        return false;
      }
      ram[at] = fit;
    }
    return true;
  }

  /** A descriptor's second word as the guest may have it; undefined: not at all. */
  private fit(high: number): number | undefined {
    if ((high & PRESENT) === 0) return high;
    if ((high & CODE_OR_DATA) === 0) return undefined;
    const privilege = (high & PRIVILEGE) >>> PRIVILEGE_SHIFT;
    return privilege >= this.kernelRing ? high : (high & ~PRIVILEGE) | (this.kernelRing << PRIVILEGE_SHIFT);
  }
}
