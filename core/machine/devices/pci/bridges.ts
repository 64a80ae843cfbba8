/**
 * The two bridges that every PC of this kind has, as far as software looks for them: the host bridge (Intel,
 * "82441FX PCI and memory controller") and the PIIX3's ISA bridge (Intel, "82371FB and 82371SB PCI ISA IDE
 * Xcelerator"), whose presence makes operating systems look at the IDE function beside it. Their own registers are
 * kept and do nothing.
 */
import { COMMAND_IO, COMMAND_MASTER, COMMAND_MEMORY, HEADER, PciFunction } from "./function.js";

export const INTEL = 0x8086;
const MEMORY_CONTROLLER_82441FX = 0x1237;
const ISA_BRIDGE_82371SB = 0x7000;

/** PIRQRC[A:D]: interrupt routing, off after reset. */
const PIRQ_ROUTES = [0x60, 0x61, 0x62, 0x63];
const PIRQ_OFF = 0x80;
const PIRQ_MASK = 0x8f;
/** PAM[0:6] of the host bridge: what is RAM between 768 KiB and 1 MiB. */
const PAM = [0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f];

export function makeHostBridge(): PciFunction {
  return new PciFunction({
    vendor: INTEL,
    device: MEMORY_CONTROLLER_82441FX,
    revision: 2,
    classCode: 0x06_0000,
    initial: { [HEADER.command]: COMMAND_MEMORY | COMMAND_MASTER },
    writable: Object.fromEntries(PAM.map((offset) => [offset, 0xff])),
  });
}

export function makeIsaBridge(): PciFunction {
  return new PciFunction({
    vendor: INTEL,
    device: ISA_BRIDGE_82371SB,
    revision: 0,
    classCode: 0x06_0100,
    isMultifunction: true,
    initial: {
      [HEADER.command]: COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER,
      ...Object.fromEntries(PIRQ_ROUTES.map((offset) => [offset, PIRQ_OFF])),
    },
    writable: Object.fromEntries(PIRQ_ROUTES.map((offset) => [offset, PIRQ_MASK])),
  });
}
