/** The mode word: what decoded code depends on besides its bytes (MODE in state.ts), from the registers that say it. */
import { CR0, CR4, DR7_ENABLES, EFER } from "./control-bits.js";
import { isExactMxcsr } from "./mxcsr.js";
import {
  ATTRIBUTES,
  CR0_WORD,
  CR4_WORD,
  DR7_WORD,
  EFER_WORD,
  FLAGS,
  FLAT,
  MXCSR_WORD,
  PRIVILEGE,
  segmentWord,
} from "./places.js";
import { CODE_16, CODE_32, CODE_64, CS, DS, ES, MODE, RFLAGS, SS } from "./state.js";

/** Of a descriptor's second word: 64-bit code, and default operand size or width of the stack. */
const L = 0x20_0000;
const DB = 0x40_0000;

const CODE_SEGMENT = segmentWord(CS);
const STACK_SEGMENT = segmentWord(SS);
const DS_SEGMENT = segmentWord(DS);
const ES_SEGMENT = segmentWord(ES);

export function modeWordOf(words: Int32Array): number {
  const cr0 = words[CR0_WORD]!;
  const cr4 = words[CR4_WORD]!;
  const flags = words[FLAGS]!;
  const code = words[CODE_SEGMENT + ATTRIBUTES]!;
  const isUser = words[PRIVILEGE] === 3;
  let mode = 0;
  if ((code & L) !== 0 && (words[EFER_WORD]! & EFER.LMA) !== 0) {
    mode = CODE_64 | MODE.wideStack | MODE.flatData | MODE.flatCode;
    if (words[PRIVILEGE] !== 0 && (words[EFER_WORD]! & EFER.LMSLE) !== 0) mode |= MODE.longLimits;
  } else {
    mode = (code & DB) !== 0 ? CODE_32 : CODE_16;
    if ((words[STACK_SEGMENT + ATTRIBUTES]! & DB) !== 0) mode |= MODE.wideStack;
    mode |=
      words[STACK_SEGMENT + FLAT]! & words[DS_SEGMENT + FLAT]! & words[ES_SEGMENT + FLAT]! & MODE.flatData;
    mode |= words[CODE_SEGMENT + FLAT]! & MODE.flatCode;
  }
  if (isUser) mode |= MODE.user;
  else if (words[PRIVILEGE] !== 0) mode |= MODE.inner;
  if ((flags & RFLAGS.TF) !== 0) mode |= MODE.singleStep;
  if ((words[DR7_WORD]! & DR7_ENABLES) !== 0) mode |= MODE.singleStep | MODE.breakpoints;
  if ((cr0 & (CR0.TS | CR0.EM)) !== 0) mode |= MODE.noFpu;
  if ((cr0 & CR0.EM) !== 0 || (cr4 & CR4.OSFXSR) === 0) mode |= MODE.noSse;
  if ((flags & RFLAGS.VM) !== 0) mode |= MODE.virtual8086;
  if ((cr0 & CR0.PE) !== 0) mode |= MODE.protected;
  if (isUser && (cr0 & CR0.AM) !== 0 && (flags & RFLAGS.AC) !== 0) mode |= MODE.alignmentCheck;
  if (isExactMxcsr(words[MXCSR_WORD]!)) mode |= MODE.exactSse;
  return mode;
}
