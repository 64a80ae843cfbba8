/**
 * What leaves a guest for its monitor. The CPU's system side asks before it performs or delivers something; when the answer
 * is true nothing has happened, RIP is at the instruction concerned, and the engine comes back to whoever ran it
 * (RunEnd "exit"), who finds in the interception what it was.
 *
 * Hardware-assisted virtualization is one interception (its controls say what leaves), a guest kernel without ring 0 another
 * (whatever would enter ring 0 leaves).
 */
import type { Instruction } from "../x86/instruction.js";

/** Of a fault: the second dimension of paging did not translate (EPT violation, nested page fault). Not the guest's. */
export const VIOLATION_VECTOR = 256;

/** What switches tasks: JMP, CALL, IRET with NT, or an event whose gate is a task gate (SDM vol. 3, 8.3). */
export type SwitchKind = "jump" | "call" | "return" | "gate";

/** What was being delivered when a fault arose (SDM vol. 3, 25.9.3, IDT-vectoring information). */
export interface Vectoring {
  readonly vector: number;
  /** EVENT_KIND (interrupts/raise.ts). */
  readonly kind: number;
  readonly errorCode: number;
}

export interface Interception {
  /**
   * A system instruction about to be performed. What it is not allowed at all, by mode or at CPL above 0, has been found;
   * what it looks at itself (ports, CR4.TSD, operands) has not: where that comes before leaving, this looks first.
   */
  instruction(instruction: Instruction): boolean;
  /**
   * An exception (or VIOLATION_VECTOR) about to be delivered; a page fault's and a violation's linear address is in
   * STATE.faultAddress. @param during what was being delivered then.
   */
  exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean;
  /** INT n, INT3, INTO or INT1 about to be delivered; where it comes back to is in the core's `nextLow`. */
  softwareInterrupt(vector: number): boolean;
  /** A maskable interrupt that the CPU would take now. */
  interrupt(): boolean;
  /** An NMI that the CPU would take now. Where the method is absent none leaves. */
  nmi?(): boolean;
  /**
   * A task switch whose gate and incoming TSS descriptor have been found good; neither TSS has been looked at. Where the method is
   * absent none leaves.
   * @param flags that the old task's TSS would get. @param during the event that came to a task gate.
   */
  taskSwitch?(selector: number, kind: SwitchKind, flags: number, during: Vectoring | undefined): boolean;
  /** A fault while a double fault was being delivered. */
  shutdown(): boolean;
}
