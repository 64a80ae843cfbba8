/**
 * The local APIC's 4 KiB page (Intel SDM vol. 3, "Local APIC register address map"): a 32-bit register every 16
 * bytes. Narrower reads give their part of a register; narrower writes, which the manual leaves undefined, are
 * ignored.
 */
import { PAGE_BYTES } from "../../address.js";
import type { Bus, MemoryRange } from "../bus.js";
import type { AccessSize, MemoryDevice } from "../device.js";
import type { LocalApic } from "./local-apic.js";
import { REGISTER } from "./registers.js";

/** Registers that the page has; those beyond are reserved, as SELF IPI is here. */
const REGISTERS = 0x40;
/** A reserved register, for all of them. */
const RESERVED = 0;

export class LocalApicPage implements MemoryDevice {
  private readonly range: MemoryRange;

  constructor(
    bus: Bus,
    private readonly apic: LocalApic,
  ) {
    this.range = bus.claimMemory(apic.mmioBase, PAGE_BYTES, this);
    apic.onMove = () => this.range.move(apic.mmioBase);
  }

  readMemory(offset: number, size: AccessSize): number {
    const register = registerAt(offset);
    return register === undefined ? 0 : partOf(this.apic.read(register), offset, size);
  }

  writeMemory(offset: number, size: AccessSize, value: number): void {
    const register = registerAt(offset);
    if (size === 4 && register !== undefined) this.apic.write(register, value);
  }
}

/** The register that covers an offset, undefined between registers. */
function registerAt(offset: number): number | undefined {
  if ((offset & 0xc) !== 0) return undefined;
  const register = offset >> 4;
  return register < REGISTERS && register !== REGISTER.selfIpi ? register : RESERVED;
}

/** The bytes of a 32-bit register that an access covers. */
export function partOf(register: number, offset: number, size: AccessSize): number {
  const shifted = register >>> ((offset & 3) * 8);
  return size === 4 ? shifted : shifted & (size === 2 ? 0xffff : 0xff);
}
