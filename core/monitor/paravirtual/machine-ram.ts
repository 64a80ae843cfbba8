/**
 * Memory by machine addresses, as devices reach it that a guest with machine frames drives: its own frames alone, and none that
 * is a table for writing, as an IOMMU keeps them (xen/drivers/passthrough).
 */
import { PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { PhysicalAccess } from "../../machine/cpu/host.js";
import type { GuestMemory } from "../../machine/devices/device.js";
import type { DirectPaging } from "./direct-paging.js";

export class MachineRam implements GuestMemory, PhysicalAccess {
  /** @param paging undefined before a guest is loaded, which has no memory then. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly paging: () => DirectPaging,
  ) {}

  /** Outside the guest's memory there are ones. */
  read(address: number, bytes: Uint8Array): void {
    bytes.fill(0xff);
    this.eachPage(address, bytes.length, (frame, offset, at, length) => {
      if (!this.paging().types.isGuests(frame)) return;
      const from = frame * PAGE_BYTES + offset;
      bytes.set(this.hardware.ram.subarray(from, from + length), at);
    });
  }

  /** What is not the guest's to write is lost. */
  write(address: number, bytes: Uint8Array): void {
    this.eachPage(address, bytes.length, (frame, offset, at, length) => {
      const { types } = this.paging();
      if (!types.isPlain(frame)) return;
      const to = frame * PAGE_BYTES + offset;
      this.hardware.ram.set(bytes.subarray(at, at + length), to);
      this.hardware.engine.wroteMemory(to, length);
    });
  }

  read32(address: number): number {
    return this.hardware.machine.ram[Math.floor(address / 4)] ?? -1;
  }

  private eachPage(
    address: number,
    length: number,
    part: (frame: number, offset: number, at: number, length: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const offset = (address + at) % PAGE_BYTES;
      const inPage = Math.min(PAGE_BYTES - offset, length - at);
      part(Math.floor((address + at) / PAGE_BYTES), offset, at, inPage);
      at += inPage;
    }
  }
}
