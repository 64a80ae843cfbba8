/** A device writes over code that the guest has executed, decoded or translated: the guest executes what is there now. */
import { expect, it } from "vitest";
import { imm } from "../machine/x86/assembler-operands.js";
import { REGISTERS } from "../machine/x86/registers.js";
import { TECHNIQUES } from "./testing/code-guests.js";
import { EVENT_PLACES, eventGuest } from "./testing/event-guest.js";

const { eax } = REGISTERS;
/** MOV EAX, 1111_1111H; RET; its immediate, and what a device writes there. */
const FUNCTION = EVENT_PLACES.stack + 0x4000;
const CODE = [0x1111_11b8, 0xc311];
const [OLD, NEW] = [0x1111_1111, 0x0000_0007];
/** Instructions: the function has been called thousands of times by then, and is translated; and what is enough to see the new one. */
const [BEFORE, AFTER] = [60_000, 200_000];

const guest = eventGuest((code) => {
  code.fill(FUNCTION, ...CODE);
  code.label("turn").emit("mov", eax, imm(FUNCTION, 4)).emit("call", eax);
  code.emit("cmp", eax, imm(OLD, 4)).emit("je", "turn").emit("out", imm(0xf4, 1), eax);
});

it.each(Object.keys(TECHNIQUES))("under %s", (technique) => {
  for (const engine of ["interpreter", "translator"] as const) {
    const computer = TECHNIQUES[technique]!(guest, engine);
    computer.load(guest.load);
    expect(computer.run(BEFORE)).toEqual({ kind: "limit" });
    const device = computer.pc.schedule.timer(() =>
      computer.guestMemory.write(FUNCTION + 1, Uint8Array.of(NEW, 0, 0, 0)),
    );
    device.at(computer.engine.now());
    expect(computer.run(AFTER)).toEqual({ kind: "exit", status: NEW });
  }
});
