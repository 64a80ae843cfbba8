/**
 * The interrupt messages between I/O APICs and local APICs, and who takes them (Intel SDM vol. 3, "Determining IPI
 * destination"). Delivery takes no time. One processor is usual; the list is here so that more can be added.
 */
import { DELIVERY } from "./registers.js";

export interface ApicMessage {
  /** Delivery mode (registers.ts, DELIVERY). */
  readonly mode: number;
  readonly vector: number;
  readonly isLevelTriggered: boolean;
}

/** What the bus asks of a local APIC. */
export interface MessageTarget {
  /** Whether a destination field names this APIC. */
  matches(destination: number, isLogical: boolean): boolean;
  /** Of the APICs that a lowest-priority message names, the one with the least value takes it, the first if equal. */
  readonly arbitrationPriority: number;
  accept(message: ApicMessage): void;
}

/** What the bus asks of an I/O APIC. */
export interface EndOfInterruptTarget {
  endOfInterrupt(vector: number): void;
}

export class ApicBus {
  readonly processors: MessageTarget[] = [];
  readonly ioApics: EndOfInterruptTarget[] = [];

  /** Sends to the processors that the destination names. */
  send(message: ApicMessage, destination: number, isLogical: boolean): void {
    const targets = this.processors.filter((processor) => processor.matches(destination, isLogical));
    if (message.mode !== DELIVERY.lowestPriority) {
      for (const target of targets) target.accept(message);
      return;
    }
    const [first, ...rest] = targets;
    if (first === undefined) return;
    const least = rest.reduce((a, b) => (b.arbitrationPriority < a.arbitrationPriority ? b : a), first);
    least.accept(message);
  }

  /** The EOI message of a level-triggered vector. */
  endOfInterrupt(vector: number): void {
    for (const ioApic of this.ioApics) ioApic.endOfInterrupt(vector);
  }
}
