/** How a guest that executes code came to its end, in words: whether it is a result, and if not, what happened and where. */
import { addressOf } from "../../machine/address.js";
import type { GuestComputer } from "../../machine/computer.js";
import { CS, SEGMENT, SEGMENT_BYTES, STATE } from "../../machine/cpu/state.js";
import type { CodeGuest, GuestEnd } from "./guest.js";

/** Characters of the console's last line that a reason repeats. */
const MOST_QUOTED = 100;
const ENDING = "a guest ends by writing its status to port 0xf4";

/** Why the guest failed, and what may have led to it; "" when it did not. */
export function failureOf(guest: CodeGuest, end: GuestEnd): string {
  const failure = endOf(guest, end);
  const { misbehaviour } = guest.computer;
  return failure === "" || misbehaviour === undefined ? failure : `${failure}; before, ${misbehaviour}`;
}

function endOf(guest: CodeGuest, end: GuestEnd): string {
  const { computer, config } = guest;
  const printed = lastLine(computer.console);
  switch (end.kind) {
    case "exit":
      return end.status === 0 ? "" : `the guest ended with status ${end.status}${printed}`;
    case "reset":
      return "";
    case "shutdown":
      return `${end.reason}, ${placeOf(guest)}${faultAddress(computer, end.reason)}${printed}`;
    case "asleep":
      return `the guest halted for ever, ${placeOf(guest)}; ${ENDING}${printed}`;
    case "stuck":
      return `the guest takes exceptions for ever, whose handler faults; ${placeOf(guest)}${printed}`;
    case "limit":
      return `the guest did not end within ${config.budget.instructions.toLocaleString("en")} instructions (budget.instructions); it was ${placeOf(guest)}${printed}`;
    case "time":
      return `the guest did not end within ${config.budget.seconds} s of its own time (budget.seconds); it was ${placeOf(guest)}${printed}`;
    case "stopped":
      return "the run was stopped";
  }
}

/** `at 0x100123 (kmain+0x13)`. */
function placeOf({ computer, plan }: CodeGuest): string {
  const { words } = computer.machine.code!.cpu;
  const rip = addressOf(words[STATE.rip / 4 + 1]!, words[STATE.rip / 4]!);
  const base = (STATE.segments + CS * SEGMENT_BYTES + SEGMENT.base) / 4;
  const address = rip + addressOf(words[base + 1]!, words[base]!);
  const symbol = plan.symbols.find(address);
  return `at ${hex(address)}${symbol === undefined ? "" : ` (${symbol.name}+0x${symbol.offset.toString(16)})`}`;
}

/** CR2, where a page fault led to the end. */
function faultAddress(computer: GuestComputer, reason: string): string {
  const { words } = computer.machine.code!.cpu;
  if (!reason.includes("#PF")) return "";
  return `, CR2 ${hex(addressOf(words[STATE.cr2 / 4 + 1]!, words[STATE.cr2 / 4]!))}`;
}

/** An address as the CPU has it: a kernel's is negative here. */
function hex(address: number): string {
  const unsigned = address < 0 ? 2n ** 64n + BigInt(address) : BigInt(address);
  return `0x${unsigned.toString(16)}`;
}

function lastLine(console: string): string {
  const line =
    console
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.replace(/\p{Cc}/gu, "")
      .trim() ?? "";
  if (line === "") return "";
  return `; it last printed "${line.length > MOST_QUOTED ? `${line.slice(0, MOST_QUOTED - 1)}…` : line}"`;
}
