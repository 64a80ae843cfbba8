/**
 * The CPU after power-up, RESET and INIT (SDM vol. 3, table 10-1), and a start-up IPI. The first instruction is at
 * F000:FFF0 with a base of FFFF0000H.
 */
import { CR0, DR6_FIXED, DR7_FIXED } from "./control-bits.js";
import { ACTIVITY, type Core, SHADOW } from "./core.js";
import { MXCSR_RESET } from "./mxcsr.js";
import { CR0_WORD, DR6_WORD, DR7_WORD, GDTR_LIMIT, IDTR_LIMIT, PRIVILEGE, RDX } from "./places.js";
import { loadRealSegment, resetSegment, setSegment } from "./segments.js";
import { CS, DS, ES, FS, GS, LDTR, RFLAGS, SS, STATE, TR } from "./state.js";

const FIRST_SELECTOR = 0xf000;
const FIRST_BASE = 0xffff_0000 | 0;
const FIRST_IP = 0xfff0;
const TABLE_LIMIT = 0xffff;
/** Present LDT, and busy 32-bit TSS. */
const LDT_ATTRIBUTES = 0x8200;
const TSS_ATTRIBUTES = 0x8b00;
/** x87 after power-up: extended precision off, exceptions unmasked, every register a zero in use. */
const X87_CONTROL = 0x40;
const X87_TAGS = 0xff;

/** What INIT leaves alone: x87, SSE and MSRs. */
export function resetCore(core: Core, isInit: boolean): void {
  const { words, host } = core;
  const caching = words[CR0_WORD]! & (CR0.CD | CR0.NW);
  const clear = (from: number, to: number): void => {
    words.fill(0, from >> 2, to >> 2);
  };
  clear(STATE.general, STATE.zero);
  clear(STATE.segments, STATE.xmm);
  clear(STATE.flags, STATE.mode);
  if (!isInit) {
    clear(STATE.xmm, STATE.bounce);
    words[STATE.mxcsr >> 2] = MXCSR_RESET;
    words[STATE.x87Control >> 2] = X87_CONTROL;
    words[STATE.x87Tags >> 2] = X87_TAGS;
  }
  core.setRegister(RDX, 4, core.processor.profile.identity.signature);
  core.writeFlags(RFLAGS.reserved1);
  words[CR0_WORD] = CR0.ET | (isInit ? caching : CR0.CD | CR0.NW);
  words[DR6_WORD] = DR6_FIXED;
  words[DR7_WORD] = DR7_FIXED;
  words[GDTR_LIMIT] = TABLE_LIMIT;
  words[IDTR_LIMIT] = TABLE_LIMIT;
  for (const segment of [ES, SS, DS, FS, GS]) resetSegment(core, segment, 0, 0);
  resetSegment(core, CS, FIRST_SELECTOR, FIRST_BASE);
  setSegment(core, LDTR, 0, 0, TABLE_LIMIT, LDT_ATTRIBUTES);
  setSegment(core, TR, 0, 0, TABLE_LIMIT, TSS_ATTRIBUTES);
  words[PRIVILEGE] = 0;
  core.jump(FIRST_IP, 0);
  core.activity = ACTIVITY.active;
  core.shadow = SHADOW.none;
  core.nmiPending = false;
  core.nmiBlocked = false;
  core.shutdownReason = "";
  core.forgetCrossings();
  host.paging.changed();
  host.paging.flushAll(false);
  core.updateMode();
}

/** A start-up IPI: the processor begins at vector × 4096 in real mode (SDM vol. 3, 9.4.3). */
export function startUp(core: Core, vector: number): void {
  loadRealSegment(core, CS, vector << 8);
  core.jump(0, 0);
  core.activity = ACTIVITY.active;
  core.updateMode();
}
