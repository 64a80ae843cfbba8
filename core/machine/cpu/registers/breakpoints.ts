/**
 * Breakpoints on addresses, in the debug registers (SDM vol. 3, 18.2 and 18.3.1.1; AMD APM vol. 2, 13.1):
 *
 *      DR7  31    30..18     17..16   13   9   8   7   6 … 1   0
 *           LEN3  … R/W1..   R/W0     GD   GE  LE  G3  L3… G0  L0
 *
 * Those on instructions are faults, found before the instruction is fetched; those on data and ports are traps, which what
 * accesses memory (execute/code/runtime/breakpoints.ts) and ports note in STATE.breakpointsMet. While any is enabled the mode word
 * has MODE.breakpoints and MODE.singleStep: instructions are executed one by one, and accesses go the long way.
 * A register outside IA-32e mode has 32 bits; LE and GE are kept and mean nothing, as on every processor since P6.
 */
import { CR4, DR7_LOCAL } from "../control-bits.js";
import type { Core } from "../core.js";
import {
  BASE,
  BREAKPOINTS_MET,
  CR4_WORD,
  DEBUG,
  DR7_WORD,
  FLAGS,
  RIP,
  RIP_HIGH,
  segmentWord,
} from "../places.js";
import { CS, MODE, RFLAGS } from "../state.js";

/** Breakpoints of a processor. */
export const BREAKPOINTS = 4;
/** DR7's R/W: what is waited for. */
export const BREAK_ON = { execution: 0, write: 1, port: 2, access: 3 } as const;
/** Where DR7 has the first breakpoint's R/W and LEN; 4 bits on, the next one's. */
export const FIRST_KIND = 16;
export const FIRST_LENGTH = 18;
export const KIND_BITS = 4;
/** LEN: 1, 2, 8 or 4 bytes. */
const LENGTHS = [1, 2, 8, 4] as const;

/** Which of the enabled breakpoints are of a kind and meet what a function says of their address and length: bits of DR6. */
function meeting(
  core: Core,
  kind: number,
  isMet: (low: number, high: number, bytes: number) => boolean,
): number {
  const { words } = core;
  const dr7 = words[DR7_WORD]!;
  let met = 0;
  for (let number = 0; number < BREAKPOINTS; number++) {
    if (((dr7 >> (2 * number)) & 3) === 0) continue;
    if (((dr7 >> (FIRST_KIND + KIND_BITS * number)) & 3) !== kind) continue;
    const bytes = LENGTHS[(dr7 >> (FIRST_LENGTH + KIND_BITS * number)) & 3]!;
    if (isMet(words[DEBUG + 2 * number]!, words[DEBUG + 2 * number + 1]!, bytes)) met |= 1 << number;
  }
  return met;
}

/** Breakpoints on the instruction at RIP, bits of DR6: none while RF resumes it. LEN other than 1 is undefined for them. */
export function breakpointsAtRip(core: Core): number {
  const { words } = core;
  if ((words[FLAGS]! & RFLAGS.RF) !== 0) return 0;
  const base = core.is64BitCode ? 0 : words[segmentWord(CS) + BASE]!;
  const linear = (words[RIP]! + base) | 0;
  const upper = core.is64BitCode ? words[RIP_HIGH]! : 0;
  return meeting(
    core,
    BREAK_ON.execution,
    (low, high, bytes) => bytes === 1 && low === linear && high === upper,
  );
}

/** Notes an access to a port: I/O breakpoints are there under CR4.DE alone. */
export function notePort(core: Core, port: number, size: number): void {
  const { words } = core;
  if ((core.mode & MODE.breakpoints) === 0 || (words[CR4_WORD]! & CR4.DE) === 0) return;
  words[BREAKPOINTS_MET]! |= meeting(core, BREAK_ON.port, (low, _high, bytes) => {
    const first = low & -bytes;
    return first < port + size && port < first + bytes;
  });
}

/** An image that IRET or a task switch loaded has RF: the next instruction's breakpoints are not met. */
export function keepResumeFlag(core: Core, image: number): void {
  if ((core.mode & MODE.breakpoints) !== 0) core.words[FLAGS]! |= image & RFLAGS.RF;
}

/** A task switch disables what was local to the old task. */
export function disableLocal(core: Core): void {
  core.words[DR7_WORD]! &= ~DR7_LOCAL;
}
