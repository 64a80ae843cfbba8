/**
 * What a PC's firmware leaves behind when it starts a kernel: the 8259As at vectors 8 and 0x70, the timer at 18.2
 * Hz, the bus masters' base address, and the virtual wire through the local APIC. Written through the bus, as
 * firmware does. The values are those that SeaBIOS 1.16 leaves on QEMU's PC, read back there by a kernel.
 */
import type { LocalApic } from "../apic/local-apic.js";
import {
  DELIVERY,
  DELIVERY_MODE_SHIFT,
  LEVEL_TRIGGERED,
  REGISTER,
  SPURIOUS_ENABLED,
} from "../apic/registers.js";
import type { Bus } from "../bus.js";
import { COMMAND_IO, COMMAND_MASTER, HEADER } from "../pci/function.js";

/** [port, value] in order. */
const BYTE_WRITES: readonly (readonly [number, number])[] = [
  // 8259As: ICW1-4, then masks: timer, keyboard, cascade, diskette; clock, mouse, coprocessor and disk.
  [0x20, 0x11],
  [0x21, 0x08],
  [0x21, 0x04],
  [0x21, 0x01],
  [0x21, 0xb8],
  [0xa0, 0x11],
  [0xa1, 0x70],
  [0xa1, 0x02],
  [0xa1, 0x01],
  [0xa1, 0x8e],
  // 8254: counter 0 divides by 65,536 in mode 2.
  [0x43, 0x34],
  [0x40, 0x00],
  [0x40, 0x00],
  // A20 open.
  [0x92, 0x02],
];

const PCI_ADDRESS = 0xcf8;
const PCI_DATA = 0xcfc;
const PCI_ENABLE = 0x8000_0000;
/** Bus 0, device 1, function 1. */
const IDE_FUNCTION = PCI_ENABLE | (1 << 11) | (1 << 8);
const BUS_MASTER_BASE = 0xc000;
const IDE_TIMING = 0x40;
/** Both channels decode their ports. */
const IDE_ENABLED = 0x8000_8000;

/** Writes the registers. @param localApic undefined when there is none. */
export function initialiseRegisters(bus: Bus, localApic: LocalApic | undefined): void {
  for (const [port, value] of BYTE_WRITES) bus.writePort(port, 1, value);
  const writeIde = (register: number, value: number): void => {
    bus.writePort(PCI_ADDRESS, 4, IDE_FUNCTION | register);
    bus.writePort(PCI_DATA, 4, value);
  };
  writeIde(IDE_TIMING, IDE_ENABLED);
  writeIde(HEADER.bar4, BUS_MASTER_BASE);
  writeIde(HEADER.command, COMMAND_IO | COMMAND_MASTER);
  if (localApic !== undefined) {
    localApic.write(REGISTER.spurious, 0xff | SPURIOUS_ENABLED);
    localApic.write(REGISTER.lvtLint0, LEVEL_TRIGGERED | (DELIVERY.extInt << DELIVERY_MODE_SHIFT));
    localApic.write(REGISTER.lvtLint1, LEVEL_TRIGGERED | (DELIVERY.nmi << DELIVERY_MODE_SHIFT));
  }
}
