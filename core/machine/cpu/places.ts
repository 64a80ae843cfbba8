/** Places of the CPU's state (state.ts) as indices of 32-bit words, for code in TypeScript that works on `CpuState.words`. */
import { MSR_STATE, SEGMENT, SEGMENT_BYTES, STATE } from "./state.js";

/** Two words each: low half, high half. */
export const GENERAL = STATE.general >> 2;
export const RIP = STATE.rip >> 2;
export const RIP_HIGH = RIP + 1;
export const FLAGS = STATE.flags >> 2;
export const FLAG_KIND = STATE.flagKind >> 2;
export const FLAG_EXTRA = STATE.flagExtra >> 2;
export const MODE_WORD = STATE.mode >> 2;
export const GENERATION = STATE.generation >> 2;
export const NMI_BLOCKED = STATE.nmiBlocked >> 2;
export const PRIVILEGE = STATE.privilege >> 2;
export const SEGMENTS = STATE.segments >> 2;
export const GDTR_BASE = STATE.gdtrBase >> 2;
export const GDTR_LIMIT = STATE.gdtrLimit >> 2;
export const IDTR_BASE = STATE.idtrBase >> 2;
export const IDTR_LIMIT = STATE.idtrLimit >> 2;
export const CR0_WORD = STATE.cr0 >> 2;
export const CR2_WORD = STATE.cr2 >> 2;
/** Of a page fault that has not been delivered; two words. */
export const FAULT_ADDRESS = STATE.faultAddress >> 2;
export const CR3_WORD = STATE.cr3 >> 2;
export const CR4_WORD = STATE.cr4 >> 2;
export const CR8_WORD = STATE.cr8 >> 2;
export const EFER_WORD = STATE.efer >> 2;
/** DR0-DR3, DR6, DR7, two words each. */
export const DEBUG = STATE.debug >> 2;
export const DR6_WORD = DEBUG + 8;
export const DR7_WORD = DEBUG + 10;
export const BREAKPOINTS_MET = STATE.breakpointsMet >> 2;
export const MXCSR_WORD = STATE.mxcsr >> 2;
const FAST_MSRS = STATE.fastMsrs >> 2;

/** MSRs in the state, two words each. */
export const STAR = FAST_MSRS + (MSR_STATE.star >> 2);
export const LSTAR = FAST_MSRS + (MSR_STATE.lstar >> 2);
export const CSTAR = FAST_MSRS + (MSR_STATE.cstar >> 2);
export const FMASK = FAST_MSRS + (MSR_STATE.fmask >> 2);
export const KERNEL_GS_BASE = FAST_MSRS + (MSR_STATE.kernelGsBase >> 2);
export const SYSENTER_CS = FAST_MSRS + (MSR_STATE.sysenterCs >> 2);
export const SYSENTER_ESP = FAST_MSRS + (MSR_STATE.sysenterEsp >> 2);
export const SYSENTER_EIP = FAST_MSRS + (MSR_STATE.sysenterEip >> 2);
export const TIME_STAMP_OFFSET = FAST_MSRS + (MSR_STATE.timeStampOffset >> 2);

/** Words of a segment register, from its first. */
export const SEGMENT_WORDS = SEGMENT_BYTES >> 2;
export const BASE = SEGMENT.base >> 2;
export const LOWEST = SEGMENT.lowest >> 2;
export const HIGHEST = SEGMENT.highest >> 2;
export const SELECTOR = SEGMENT.selector >> 2;
export const ATTRIBUTES = SEGMENT.attributes >> 2;
export const RIGHTS = SEGMENT.rights >> 2;
export const LIMIT = SEGMENT.limit >> 2;
export const FLAT = SEGMENT.flat >> 2;

/** First word of a segment register. */
export const segmentWord = (segment: number): number => SEGMENTS + segment * SEGMENT_WORDS;

/** General registers by name. */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RSI = 6;
export const RDI = 7;
export const R11 = 11;
