/**
 * The A20 gate of a PC: open lets the CPU drive address line 20, closed holds it low. The keyboard controller and port 0x92
 * both set it; the last one wins. Firmware leaves it open.
 */
import type { Stateful } from "../device.js";

export class A20Gate implements Stateful<boolean> {
  private open = true;

  /** @param onChange told every change. */
  constructor(private readonly onChange: (open: boolean) => void) {}

  get isOpen(): boolean {
    return this.open;
  }

  set isOpen(open: boolean) {
    if (open === this.open) return;
    this.open = open;
    this.onChange(open);
  }

  reset(): void {
    this.isOpen = true;
  }

  save(): boolean {
    return this.open;
  }

  restore(open: boolean): void {
    this.isOpen = open;
  }
}
