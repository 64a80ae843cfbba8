/**
 * How a run of a vector's code ends. The code window is full of INT3, so every run ends in an exception: a breakpoint behind
 * the code, where RIP then is the byte after it, or the instruction's own fault. The recorder and every engine are judged by
 * the same rule, here.
 */
import type { CodeMode } from "../../x86/instruction.js";
import { CODE_16_SELECTOR } from "./environment.js";
import { BREAKPOINT, CODE_WINDOW, type MachineState, REGISTERS, WINDOW_MIDDLE } from "./state.js";

/** An exception as the processor delivers it. */
export interface Fault {
  readonly vector: number;
  /** 0 for vectors that push none. */
  readonly errorCode: number;
  /** CR2, for page faults only, else 0. */
  readonly address: bigint;
}

const VECTOR_BREAKPOINT = 3;
const VECTOR_PAGE_FAULT = 14;
/** Exceptions that push an error code (SDM vol. 3, table 6-1). */
const WITH_ERROR_CODE = [8, 10, 11, 12, 13, 14, 17];
export const hasErrorCode = (vector: number): boolean => WITH_ERROR_CODE.includes(vector);

/** CF PF AF ZF SF TF DF OF NT AC ID: flags that ring-3 code may see change. The rest are IF and the reserved bit, both 1. */
const OBSERVED_FLAGS = 0x24_4dd5;
const FIXED_FLAGS = 0x202;
const LOW_HALF = 0xffff_ffffn;

/** Offset within the code window of the breakpoint that was hit. All code segments but one are flat. */
function breakpointAt(state: MachineState): number {
  const base = state.selectors[1] === CODE_16_SELECTOR ? CODE_WINDOW.address : 0;
  return Number(state.rip) - 1 + base - CODE_WINDOW.address;
}

/**
 * Makes what a run ended in comparable. A breakpoint outside the code means that it went on there: RIP goes back to it, and
 * there is no fault. Halves and registers that a mode cannot see become those of `initial`.
 */
export function settle(
  state: MachineState,
  fault: Fault,
  initial: MachineState,
  mode: CodeMode,
  code: Uint8Array,
): Fault | undefined {
  state.flags = (state.flags & OBSERVED_FLAGS) | FIXED_FLAGS;
  if (mode !== 64) {
    for (let register = 0; register < 8; register++) state.general[register]! &= LOW_HALF;
    state.general.set(initial.general.subarray(8), 8);
    state.xmm.set(initial.xmm.subarray(16), 16);
    state.rip &= LOW_HALF;
    for (const base of [REGISTERS.fsBase, REGISTERS.gsBase])
      state.view.setBigUint64(base, initial.view.getBigUint64(base, true), true);
  }
  if (fault.vector === VECTOR_BREAKPOINT) {
    const place = breakpointAt(state);
    const within = place >= WINDOW_MIDDLE && place < WINDOW_MIDDLE + code.length;
    if (!within && initial.memory.code[place] === BREAKPOINT) {
      state.rip -= 1n;
      return undefined;
    }
  }
  return {
    vector: fault.vector,
    errorCode: hasErrorCode(fault.vector) ? fault.errorCode : 0,
    address: fault.vector === VECTOR_PAGE_FAULT ? fault.address : 0n,
  };
}

/** "13.10" or "14.6@401fff": vector, error code unless 0, address of a page fault; all but the vector in hexadecimal. */
export function formatFault(fault: Fault): string {
  const code = fault.errorCode === 0 ? "" : `.${fault.errorCode.toString(16)}`;
  const address = fault.vector === VECTOR_PAGE_FAULT ? `@${fault.address.toString(16)}` : "";
  return `${fault.vector}${code}${address}`;
}

export function parseFault(text: string): Fault {
  const [head, address] = text.split("@") as [string, string?];
  const [vector, code] = head.split(".") as [string, string?];
  return {
    vector: Number.parseInt(vector, 10),
    errorCode: code === undefined ? 0 : Number.parseInt(code, 16),
    address: address === undefined ? 0n : BigInt(`0x${address}`),
  };
}
