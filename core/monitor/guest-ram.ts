/**
 * A guest's memory as its monitor and its devices reach it: guest-physical addresses, through the monitor's map. Where the map
 * has nothing yet, memory is given at once.
 */
import { type Gfn, PAGE_BYTES } from "../machine/address.js";
import type { CodeMachine } from "../machine/code-machine.js";
import { VIDEO_END, VIDEO_FIRST } from "../machine/computer.js";
import type { PhysicalAccess } from "../machine/cpu/host.js";
import type { GuestMemory } from "../machine/devices/device.js";
import type { GuestMap } from "./memory/guest-map.js";

/** Which guest frames are memory. */
export interface GuestExtent {
  /** Behind the last of them. */
  readonly end: Gfn;
  has(gfn: Gfn): boolean;
}

/** A PC's: from 0, but for the video memory's hole. */
export class PcExtent implements GuestExtent {
  constructor(readonly end: Gfn) {}

  has(gfn: Gfn): boolean {
    return gfn >= 0 && gfn < this.end && !(gfn >= VIDEO_FIRST && gfn < VIDEO_END);
  }
}

export class GuestRam implements GuestMemory, PhysicalAccess {
  /** Told of each frame that somebody else than the guest's CPU writes to. */
  onWrite: ((frame: Gfn) => void) | undefined;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly map: GuestMap,
    private readonly extent: GuestExtent,
  ) {}

  /** Behind the last frame of memory. */
  get frames(): number {
    return this.extent.end;
  }

  /** The same, as shadow paging asks: wherever there is memory, tables may lie. */
  get backedFrames(): number {
    return this.extent.end;
  }

  isMemory(gfn: Gfn): boolean {
    return this.extent.has(gfn);
  }

  /** Whether a guest frame is a device's registers or nothing at all: accesses to it are the monitor's to answer. */
  isDevice(gfn: Gfn): boolean {
    return !this.extent.has(gfn);
  }

  /** Outside RAM there are ones. */
  read(address: number, bytes: Uint8Array): void {
    bytes.fill(0xff);
    const { ram } = this.hardware;
    this.eachPage(address, bytes.length, (host, at, length) => {
      bytes.set(ram.subarray(host, host + length), at);
    });
  }

  /** What is outside RAM is lost. */
  write(address: number, bytes: Uint8Array): void {
    const { ram, engine } = this.hardware;
    this.eachPage(address, bytes.length, (host, at, length) => {
      ram.set(bytes.subarray(at, at + length), host);
      engine.wroteMemory(host, length);
      this.onWrite?.(Math.floor((address + at) / PAGE_BYTES));
    });
  }

  fill(address: number, length: number): void {
    const { ram, engine } = this.hardware;
    this.eachPage(address, length, (host, at, bytes) => {
      ram.fill(0, host, host + bytes);
      engine.wroteMemory(host, bytes);
      this.onWrite?.(Math.floor((address + at) / PAGE_BYTES));
    });
  }

  /** An aligned word, as int32; outside RAM all ones. */
  read32(address: number): number {
    const gfn = Math.floor(address / PAGE_BYTES);
    if (this.isDevice(gfn)) return -1;
    return this.hardware.machine.ram[this.map.require(gfn) * 1024 + ((address % PAGE_BYTES) >> 2)]!;
  }

  /** @param part host address, how far into the whole, bytes. */
  private eachPage(
    address: number,
    length: number,
    part: (host: number, at: number, length: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const gfn = Math.floor((address + at) / PAGE_BYTES);
      const offset = (address + at) % PAGE_BYTES;
      const inPage = Math.min(PAGE_BYTES - offset, length - at);
      if (!this.isDevice(gfn)) part(this.map.require(gfn) * PAGE_BYTES + offset, at, inPage);
      at += inPage;
    }
  }
}
