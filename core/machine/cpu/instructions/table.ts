/**
 * Which function performs which instruction, by mnemonic: everything that engines leave to TypeScript. A straight one goes
 * on with the next instruction; a transfer sets RIP itself, and does so last, so that a fault finds it unchanged.
 */
import type { CostName } from "../../../events/costs.js";
import type { Instruction } from "../../x86/instruction.js";
import { ACTIVITY, type Core } from "../core.js";
import type { Cpuid } from "../identity/cpuid.js";
import { type Msrs, readMsr, writeMsr } from "../identity/msrs.js";
import { breakpoint, debugInterrupt, interruptN, overflow } from "../interrupts/instructions.js";
import { interruptReturn } from "../interrupts/return.js";
import { RAX, RBX, RCX, RDX } from "../places.js";
import {
  clearTaskSwitched,
  loadMachineStatus,
  moveFromControl,
  moveToControl,
  storeMachineStatus,
} from "../registers/control.js";
import { moveFromDebug, moveToDebug } from "../registers/debug.js";
import {
  loadGdt,
  loadIdt,
  loadLdt,
  loadTask,
  storeGdt,
  storeIdt,
  storeLdt,
  storeTask,
} from "../registers/descriptor-tables.js";
import {
  clearInterrupts,
  mayNotClearInterrupts,
  mayNotSetInterrupts,
  popFlags,
  pushFlags,
  setInterrupts,
} from "../registers/flags.js";
import * as segments from "../registers/segments.js";
import {
  adjustPrivilege,
  loadAccessRights,
  loadSegmentLimit,
  verifyRead,
  verifyWrite,
} from "../registers/selectors.js";
import { callFar, jumpFar, returnFar } from "../transfers/far.js";
import { systemCall, systemEnter, systemExit, systemReturn } from "../transfers/system-call.js";
import { input, inputString, output, outputString } from "./ports.js";
import type { RandomNumbers } from "./random-numbers.js";
import { readCounter, readProcessor, readTimeStamp, readTimeStampAndProcessor } from "./time-stamp.js";
import { flushCaches, invalidatePage, invalidatePcid } from "./translations.js";

/** Performs an instruction, or throws a GuestFault having changed nothing. */
export type Handler = (core: Core, instruction: Instruction) => void;

export interface Performance {
  readonly run: Handler;
  /** Sets RIP itself. */
  readonly isTransfer?: true;
  /** Its price, where it is not charged otherwise. */
  readonly cost?: CostName;
  /** #UD in real and virtual-8086 mode. */
  readonly needsProtected?: true;
  /** Checks CPL itself, after something else. */
  readonly checksPrivilege?: true;
  /** Whether it raises #GP(0) for another reason than CPL. A deprivileged kernel does so all the time: to throw costs more. */
  readonly isRefused?: (core: Core) => boolean;
}

/** Parts of the CPU that some instructions reach. */
export interface Parts {
  readonly cpuid: Cpuid;
  readonly msrs: Msrs;
  readonly random: RandomNumbers;
  /** Base cycles of what code does itself unless somebody asked. */
  readonly costOf: (instruction: Instruction) => number;
}

/** MOV and POP are several instructions: what they do here depends on the row's event. */
const SEGMENT_MOVE = "MOV segment-load";
const CONTROL_MOVE = "MOV control-register";
const DEBUG_MOVE = "MOV debug-register";

const move =
  (file: string, to: Handler, from: Handler): Handler =>
  (core, instruction) => {
    const operand = instruction.operands[0]!;
    if (operand.kind === "register" && operand.file === file) to(core, instruction);
    else from(core, instruction);
  };

/** All of them for one CPU. */
export function performances({ cpuid, msrs, random, costOf }: Parts): Readonly<Record<string, Performance>> {
  const system = "system_instruction";
  const identify: Handler = (core) => {
    const answer = cpuid.answer(core.register(RAX, 4) >>> 0, core.register(RCX, 4) >>> 0);
    for (const [index, register] of [RAX, RBX, RCX, RDX].entries())
      core.setRegister(register, 4, answer[index]!);
  };
  return {
    ...TRANSFERS,
    ...SEGMENT_LOADS,
    [CONTROL_MOVE]: { run: move("control", moveToControl, moveFromControl) },
    [DEBUG_MOVE]: { run: move("debug", moveToDebug, moveFromDebug), cost: system },
    SMSW: { run: storeMachineStatus, cost: system },
    LMSW: { run: loadMachineStatus, cost: system },
    CLTS: { run: clearTaskSwitched, cost: system },
    LGDT: { run: loadGdt, cost: system },
    LIDT: { run: loadIdt, cost: system },
    SGDT: { run: storeGdt, cost: system },
    SIDT: { run: storeIdt, cost: system },
    LLDT: { run: loadLdt, cost: system, needsProtected: true },
    LTR: { run: loadTask, cost: system, needsProtected: true },
    SLDT: { run: storeLdt, cost: system, needsProtected: true },
    STR: { run: storeTask, cost: system, needsProtected: true },
    LAR: { run: loadAccessRights, cost: system, needsProtected: true },
    LSL: { run: loadSegmentLimit, cost: system, needsProtected: true },
    VERR: { run: verifyRead, cost: system, needsProtected: true },
    VERW: { run: verifyWrite, cost: system, needsProtected: true },
    ARPL: { run: adjustPrivilege, cost: system, needsProtected: true },
    CLI: { run: clearInterrupts, isRefused: mayNotClearInterrupts },
    STI: { run: setInterrupts, isRefused: mayNotSetInterrupts },
    PUSHF: { run: pushFlags },
    POPF: { run: popFlags },
    HLT: { run: halt },
    PAUSE: { run: (core, instruction) => core.charge(costOf(instruction)) },
    INVLPG: { run: invalidatePage, cost: "invlpg" },
    INVPCID: { run: invalidatePcid, cost: "invpcid" },
    INVD: { run: flushCaches, cost: "cache_flush" },
    WBINVD: { run: flushCaches, cost: "cache_flush" },
    IN: { run: input },
    OUT: { run: output },
    CPUID: { run: identify, cost: "cpuid" },
    RDMSR: { run: (core) => readMsr(core, msrs), cost: "msr_access" },
    WRMSR: { run: (core) => writeMsr(core, msrs), cost: "msr_access" },
    RDTSC: { run: (core) => readTimeStamp(core, msrs), cost: "time_stamp" },
    RDTSCP: { run: (core) => readTimeStampAndProcessor(core, msrs), cost: "time_stamp" },
    RDPMC: { run: readCounter, cost: "time_stamp" },
    RDPID: { run: (core, instruction) => readProcessor(core, msrs, instruction), cost: "time_stamp" },
    RDRAND: { run: (core, instruction) => random.read(core, instruction), cost: "random_number" },
    RDSEED: { run: (core, instruction) => random.read(core, instruction), cost: "random_number" },
    SWAPGS: { run: segments.swapGs, cost: system },
    RDFSBASE: { run: segments.readFsBase },
    RDGSBASE: { run: segments.readGsBase },
    WRFSBASE: { run: segments.writeFsBase },
    WRGSBASE: { run: segments.writeGsBase },
  };
}

const far = { isTransfer: true, cost: "far_transfer" } as const;
const TRANSFERS: Readonly<Record<string, Performance>> = {
  JMPF: { run: jumpFar, ...far },
  CALLF: { run: callFar, ...far },
  RETF: { run: returnFar, ...far },
  INT: { run: interruptN, isTransfer: true },
  INT3: { run: breakpoint, isTransfer: true },
  INTO: { run: overflow, isTransfer: true },
  INT1: { run: debugInterrupt, isTransfer: true },
  IRET: { run: interruptReturn, isTransfer: true },
  SYSCALL: { run: systemCall, isTransfer: true },
  SYSRET: { run: systemReturn, isTransfer: true, checksPrivilege: true },
  SYSRETQ: { run: systemReturn, isTransfer: true, checksPrivilege: true },
  SYSENTER: { run: systemEnter, isTransfer: true },
  SYSEXIT: { run: systemExit, isTransfer: true, checksPrivilege: true },
  SYSEXITQ: { run: systemExit, isTransfer: true, checksPrivilege: true },
  INS: { run: inputString, isTransfer: true },
  OUTS: { run: outputString, isTransfer: true },
};

const load = { cost: "segment_load" } as const;
const SEGMENT_LOADS: Readonly<Record<string, Performance>> = {
  [SEGMENT_MOVE]: { run: segments.moveToSegment, ...load },
  POP: { run: segments.popSegment, ...load },
  LES: { run: segments.loadEs, ...load },
  LDS: { run: segments.loadDs, ...load },
  LSS: { run: segments.loadSs, ...load },
  LFS: { run: segments.loadFs, ...load },
  LGS: { run: segments.loadGs, ...load },
};

function halt(core: Core): void {
  core.activity = ACTIVITY.halted;
}
