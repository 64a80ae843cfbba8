/**
 * The A20 gate of a PC: open lets the CPU drive address line 20, closed holds it low. The keyboard controller and
 * port 0x92 each have an output for it, and it is open while either is high (82371SB PIIX3 datasheet, A20M#).
 */

export type A20Source = "controller" | "port92";

export class A20Gate {
  private readonly outputs: Record<A20Source, boolean> = { controller: true, port92: false };

  /** @param onChange told every change. */
  constructor(private readonly onChange: (open: boolean) => void) {}

  get isOpen(): boolean {
    return this.outputs.controller || this.outputs.port92;
  }

  /** Drives the gate from one of its sources; harmless when nothing changes. */
  drive(source: A20Source, high: boolean): void {
    const wasOpen = this.isOpen;
    this.outputs[source] = high;
    if (this.isOpen !== wasOpen) this.onChange(this.isOpen);
  }
}
