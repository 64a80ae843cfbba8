/**
 * The IDE function of the PIIX3 (Intel, "82371FB and 82371SB PCI ISA IDE Xcelerator", IDE interface): two channels
 * at the ports and interrupts that PCs have always had (compatibility mode), and the bus masters at base address 4.
 * The timing registers are kept and change nothing; the channels answer whether or not IDETIM enables them.
 */
import { ALL_SIZES, type Bus } from "../bus.js";
import { type AccessSize, allOnes, type PortDevice } from "../device.js";
import { INTEL } from "../pci/bridges.js";
import { COMMAND_IO, COMMAND_MASTER, HEADER, PciFunction } from "../pci/function.js";
import type { Channel } from "./channel.js";

const IDE_82371SB = 0x7010;
/** IDE; bus master, both channels in compatibility mode only. */
const CLASS_CODE = 0x01_0180;
/** IDETIM of both channels, slave timing. */
const TIMING = [0x40, 0x41, 0x42, 0x43, 0x44];

const BASE_MASK = 0xfff0;
/** A base address register of I/O space. */
const BASE_IS_IO = 1;
const PORTS = 16;
const CHANNEL_PORTS = 8;

/** The function; it also answers at base address 4 for the bus masters of its channels. */
export function makePiix3Ide(bus: Bus, channels: readonly Channel[]): PciFunction {
  const device = new BusMasterPorts(channels);
  const ports = bus.claimPorts(undefined, PORTS, device, ALL_SIZES);
  const ide = new PciFunction({
    vendor: INTEL,
    device: IDE_82371SB,
    revision: 0,
    classCode: CLASS_CODE,
    initial: { [HEADER.bar4]: BASE_IS_IO },
    writable: {
      [HEADER.command]: COMMAND_IO | COMMAND_MASTER,
      [HEADER.bar4]: BASE_MASK & 0xff,
      [HEADER.bar4 + 1]: BASE_MASK >> 8,
      ...Object.fromEntries(TIMING.map((offset) => [offset, 0xff])),
    },
    onChange: () => {
      const base = ide.dword(HEADER.bar4) & BASE_MASK;
      device.base = base;
      ports.move(base !== 0 && ide.command & COMMAND_IO ? base : undefined);
    },
  });
  return ide;
}

/** Eight ports for each channel, byte by byte. */
class BusMasterPorts implements PortDevice {
  /** First port. */
  base = 0;

  constructor(private readonly channels: readonly Channel[]) {}

  readPort(port: number, size: AccessSize): number {
    const offset = port - this.base;
    if (offset + size > PORTS) return allOnes(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.readByte(offset + i);
    return value >>> 0;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    const offset = port - this.base;
    for (let i = 0; i < size && offset + i < PORTS; i++) {
      const at = offset + i;
      const channel = this.channels[Math.floor(at / CHANNEL_PORTS)];
      channel?.busMaster.writeByte(at % CHANNEL_PORTS, (value >>> (8 * i)) & 0xff);
    }
  }

  private readByte(offset: number): number {
    return (
      this.channels[Math.floor(offset / CHANNEL_PORTS)]?.busMaster.readByte(offset % CHANNEL_PORTS) ?? 0xff
    );
  }
}
