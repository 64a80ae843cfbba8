/**
 * A fault on its way from where it is found to the entry of the system unit (system-unit.ts), which delivers it. It is
 * thrown, so that an instruction is left at once; what throws it has changed nothing. It is no Error: a guest that faults
 * is ordinary, and nobody wants its stack.
 */
import { EXCEPTION } from "./state.js";

export class GuestFault {
  constructor(
    readonly vector: number,
    /** 0 for vectors without one. */
    readonly errorCode: number,
    /** Linear address of a page fault, for CR2. */
    readonly addressHigh = 0,
    readonly addressLow = 0,
  ) {}
}

export const undefinedOpcode = (): GuestFault => new GuestFault(EXCEPTION.UD, 0);

/** #GP with a selector's index (RPL removed), or 0. */
export const generalProtection = (selector = 0): GuestFault =>
  new GuestFault(EXCEPTION.GP, selector & 0xfffc);

export const notPresent = (selector: number): GuestFault => new GuestFault(EXCEPTION.NP, selector & 0xfffc);

export const stackFault = (selector = 0): GuestFault => new GuestFault(EXCEPTION.SS, selector & 0xfffc);

export const invalidTss = (selector: number): GuestFault => new GuestFault(EXCEPTION.TS, selector & 0xfffc);

export const pageFault = (errorCode: number, high: number, low: number): GuestFault =>
  new GuestFault(EXCEPTION.PF, errorCode, high, low);
