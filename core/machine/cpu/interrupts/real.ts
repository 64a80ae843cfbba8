/** Interrupts in real mode, and INT n that virtual-8086 mode extensions send to the program's own table (SDM vol. 3, 21.1.4, 21.3.3). */
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import { HIGHEST, IDTR_BASE, IDTR_LIMIT, segmentWord } from "../places.js";
import { loadRealSegment, loadVirtualSegment } from "../segments.js";
import { CS, RFLAGS } from "../state.js";

/** Bytes of an entry: offset and segment. */
const VECTOR_BYTES = 4;

/** Through the table of IDTR: pushes FLAGS, CS and IP; no error codes. */
export function deliverReal(core: Core, vector: number, flags: number, returnLow: number): void {
  const { words } = core;
  const offset = vector * VECTOR_BYTES;
  if (offset + VECTOR_BYTES - 1 > words[IDTR_LIMIT]! >>> 0) throw generalProtection();
  const entry = core.memory.read(0, (words[IDTR_BASE]! + offset) | 0, 4, false);
  if ((entry & 0xffff) > words[segmentWord(CS) + HIGHEST]! >>> 0) throw generalProtection();
  pushFrame(core, flags, returnLow);
  loadRealSegment(core, CS, entry >>> 16);
  core.jump(entry & 0xffff, 0);
  core.writeFlags(flags & ~(RFLAGS.IF | RFLAGS.TF | RFLAGS.AC));
  core.updateMode();
}

/** To the table at linear address 0, staying in virtual-8086 mode. With IOPL below 3, VIF stands for IF. */
export function deliverVirtual(core: Core, vector: number, returnLow: number): void {
  const entry = core.memory.read(0, vector * VECTOR_BYTES, 4, true);
  const flags = core.readFlags();
  const isVirtualized = core.ioPrivilege < 3;
  let image = flags;
  if (isVirtualized) {
    const isEnabled = (flags & RFLAGS.VIF) !== 0;
    image = (flags & ~RFLAGS.IF) | RFLAGS.IOPL | (isEnabled ? RFLAGS.IF : 0);
  }
  pushFrame(core, image, returnLow);
  loadVirtualSegment(core, CS, entry >>> 16);
  core.jump(entry & 0xffff, 0);
  core.writeFlags(flags & ~(RFLAGS.TF | (isVirtualized ? RFLAGS.VIF : RFLAGS.IF)));
  core.updateMode();
}

function pushFrame(core: Core, flags: number, returnLow: number): void {
  const { stack } = core;
  stack.useCurrent();
  stack.reserve(3, 2);
  stack.put(0, returnLow & 0xffff);
  stack.put(1, core.selector(CS));
  stack.put(2, flags & 0xffff);
  stack.commit();
}
