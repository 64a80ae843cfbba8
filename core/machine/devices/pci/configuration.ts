/**
 * PCI configuration mechanism #1 (PCI Local Bus Specification 2.1, 3.7.4.1): an address at 0xCF8, written and read
 * as a dword only, and a window of four bytes at 0xCFC. One bus; what is not there reads all ones.
 *
 *      31       30..24    23..16   15..11   10..8      7..2       1..0
 *      enable   reserved  bus      device   function   register   0
 */
import { ALL_SIZES, type Bus, DWORDS } from "../bus.js";
import { type AccessSize, allOnes, type PortDevice, type Stateful } from "../device.js";
import type { PciFunction } from "./function.js";

const ADDRESS_PORT = 0xcf8;
const DATA_PORT = 0xcfc;
const DATA_PORTS = 4;
const ADDRESS_MASK = 0x80ff_fffc;
const ENABLE = 0x8000_0000;

export interface PciState {
  readonly address: number;
  /** Spaces of the functions in order of their places. */
  readonly functions: readonly Uint8Array[];
}

export class PciConfiguration implements PortDevice, Stateful<PciState> {
  private address = 0;
  /** By bus, device and function as in bits 23..8 of the address. */
  private readonly functions = new Map<number, PciFunction>();

  constructor(bus: Bus) {
    bus.claimPorts(ADDRESS_PORT, 1, this, DWORDS);
    bus.claimPorts(DATA_PORT, DATA_PORTS, this, ALL_SIZES);
  }

  /** Puts a function on bus 0. */
  add(device: number, number: number, pciFunction: PciFunction): void {
    this.functions.set((device << 3) | number, pciFunction);
  }

  readPort(port: number, size: AccessSize): number {
    if (port === ADDRESS_PORT) return this.address;
    const { selected } = this;
    if (selected === undefined) return allOnes(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.readByte(selected, port + i);
    return value >>> 0;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    if (port === ADDRESS_PORT) {
      this.address = (value & ADDRESS_MASK) >>> 0;
      return;
    }
    const inside = Math.min(size, DATA_PORT + DATA_PORTS - port);
    const bytes = Array.from({ length: inside }, (_, i) => (value >>> (8 * i)) & 0xff);
    this.selected?.write(this.offsetOf(port), bytes);
  }

  reset(): void {
    this.address = 0;
    for (const pciFunction of this.functions.values()) pciFunction.reset();
  }

  save(): PciState {
    return {
      address: this.address,
      functions: Array.from(this.functions.values(), (pciFunction) => pciFunction.save()),
    };
  }

  restore(state: PciState): void {
    this.address = state.address;
    let index = 0;
    for (const pciFunction of this.functions.values()) pciFunction.restore(state.functions[index++]!);
  }

  private get selected(): PciFunction | undefined {
    return (this.address & ENABLE) === 0 ? undefined : this.functions.get((this.address >>> 8) & 0xffff);
  }

  private offsetOf(port: number): number {
    return (this.address & 0xfc) + port - DATA_PORT;
  }

  /** A byte of the window; beyond its end nobody answers. */
  private readByte(selected: PciFunction, port: number): number {
    return port < DATA_PORT + DATA_PORTS ? selected.readByte(this.offsetOf(port)) : 0xff;
  }
}
