/** INT n, INT3, INTO and INT1 (SDM vol. 2, INT n). In virtual-8086 mode INT n is IOPL-sensitive, the others are not. */
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import { CR4_WORD } from "../places.js";
import { EXCEPTION, RFLAGS } from "../state.js";
import { isInterruptRedirected } from "../tss.js";
import { deliver, EVENT_KIND } from "./raise.js";
import { deliverVirtual } from "./real.js";

function interrupt(core: Core, vector: number, kind: number): void {
  if (core.interception?.softwareInterrupt(vector) === true) core.hasExited = true;
  else deliver(core, vector, kind, 0, core.nextLow, core.nextHigh);
}

export function interruptN(core: Core, instruction: Instruction): void {
  const operand = instruction.operands[0]!;
  const vector = operand.kind === "immediate" ? operand.value & 0xff : 0;
  if (core.isVirtual8086) {
    if ((core.words[CR4_WORD]! & CR4.VME) !== 0 && isInterruptRedirected(core, vector)) {
      deliverVirtual(core, vector, core.nextLow);
      return;
    }
    if (core.ioPrivilege < 3) throw generalProtection();
  }
  interrupt(core, vector, EVENT_KIND.software);
}

export function breakpoint(core: Core): void {
  interrupt(core, EXCEPTION.BP, EVENT_KIND.software);
}

export function overflow(core: Core): void {
  if ((core.readFlags() & RFLAGS.OF) !== 0) interrupt(core, EXCEPTION.OF, EVENT_KIND.software);
  else core.jump(core.nextLow, core.nextHigh);
}

/** INT1 makes a debug exception as hardware would: the gate's DPL does not matter, DR6 says nothing. */
export function debugInterrupt(core: Core): void {
  interrupt(core, EXCEPTION.DB, EVENT_KIND.exception);
}
