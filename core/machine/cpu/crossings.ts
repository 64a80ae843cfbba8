/**
 * What an engine may remember of crossings, to do them again without TypeScript (execute/code/crossings/). The system side
 * tells it after it has done one in full; the engine says whether it could do one. Both do exactly the same.
 */
import type { Core } from "./core.js";
import type { Descriptor } from "./descriptor.js";

/** Bits of `kinds`: exceptions and external interrupts; INT n. */
export const CROSSING_KIND = { hardware: 1, software: 2 } as const;

/** An interrupt or exception that was delivered; the state is that of the handler. Addresses are linear. */
export interface EntryCrossing {
  readonly vector: number;
  /** The mode word before. */
  readonly mode: number;
  readonly kinds: number;
  /** RFLAGS that were cleared. */
  readonly cleared: number;
  readonly gateAddress: number;
  readonly gateAddressHigh: number;
  readonly gateLow: number;
  readonly gateMiddle: number;
  /** Of a 16-byte gate. */
  readonly gateUpper: number;
  readonly code: Descriptor;
  /** To a higher privilege. */
  readonly isInner: boolean;
  /** Where the TSS has the stack pointer; 0 where the stack stayed. */
  readonly stackSlot: number;
  readonly stackSlotHigh: number;
  /** The stack segment of the TSS. */
  readonly stack: Descriptor | undefined;
}

/** An IRET that was executed at CPL 0; the state is that of where it returned. */
export interface ReturnCrossing {
  readonly mode: number;
  readonly selector: number;
  readonly code: Descriptor;
  /** SS and the pointer were popped, and privilege was lowered. */
  readonly popsStack: boolean;
  readonly stackSelector: number;
  /** Undefined where SS is null. */
  readonly stack: Descriptor | undefined;
}

export interface Crossings {
  /** Delivers what is at RIP as it was done before; false: it has to be done in full, and nothing has happened. */
  deliver(vector: number, kind: number, errorCode: number, hasErrorCode: number, flags: number): boolean;
  rememberEntry(core: Core, crossing: EntryCrossing): void;
  rememberReturn(core: Core, crossing: ReturnCrossing): void;
  /** DS, ES, FS or GS was loaded outside 64-bit mode. */
  rememberLoad(core: Core, segment: number, selector: number, descriptor: Descriptor): void;
}
