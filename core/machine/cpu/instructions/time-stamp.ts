/** RDTSC, RDTSCP, RDPID and RDPMC (SDM vol. 2; vol. 3, 18.17). There are no performance counters. */
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import { MSR } from "../identity/msr-numbers.js";
import type { Msrs } from "../identity/msrs.js";
import { writeOperand } from "../operands.js";
import { CR4_WORD, RAX, RCX, RDX } from "../places.js";

export function readTimeStamp(core: Core, msrs: Msrs): void {
  if ((core.words[CR4_WORD]! & CR4.TSD) !== 0 && core.cpl !== 0) throw generalProtection();
  msrs.readTimeStamp();
  core.setRegister(RAX, 4, msrs.low);
  core.setRegister(RDX, 4, msrs.high);
}

export function readTimeStampAndProcessor(core: Core, msrs: Msrs): void {
  readTimeStamp(core, msrs);
  core.setRegister(RCX, 4, msrs.keptLow(MSR.tscAux));
}

export function readProcessor(core: Core, msrs: Msrs, instruction: Instruction): void {
  writeOperand(core, instruction, 0, msrs.keptLow(MSR.tscAux));
}

/** Every counter number is out of range. */
export function readCounter(): never {
  throw generalProtection();
}
