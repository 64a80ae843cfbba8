/**
 * Code under a debugger, for tests of breakpoints: what the debug registers make of it on our engines, and on the processor that
 * runs the tests, by ptrace (tracer.c). Both tell each debug exception by where it is and what DR6 says, until INT3.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { CodeMachine } from "../../code-machine.js";
import { CR4 } from "../../cpu/control-bits.js";
import type { Interception } from "../../cpu/interception.js";
import { CR4_WORD, DEBUG, DR6_WORD, DR7_WORD, FLAGS, GENERAL, RIP, RSP } from "../../cpu/places.js";
import { EXCEPTION, RFLAGS } from "../../cpu/state.js";
import { PLAIN } from "../plain.js";

/** Where code, data (RBX) and stack (RSP) are, with two pages of memory on either side. */
export const PLACES = { code: 0x200_0000, data: 0x201_0000, stack: 0x202_0000 } as const;
const MEMORY = 2 ** 26;
const RBX = 3;
const BUDGET = 10_000;
const CAUSES = 0xe00f;

export interface Debugged {
  readonly code: Uint8Array;
  /** DR0 to DR3, absolute. */
  readonly addresses: readonly number[];
  readonly dr7: number;
}

/** Where RIP was, bytes from the code's first, and DR6's causes. */
export type DebugEvent = readonly [at: number, causes: number];

/** @throws if an exception is neither #DB nor the end. */
export function debugOnEngine(
  { code, addresses, dr7 }: Debugged,
  engine: "interpreter" | "translator",
  profile: string,
): DebugEvent[] {
  const events: DebugEvent[] = [];
  let end: number | undefined;
  const interception: Interception = {
    instruction: () => false,
    exception(vector) {
      end = vector;
      return true;
    },
    softwareInterrupt(vector) {
      end = -vector;
      return true;
    },
    interrupt: () => false,
    shutdown: () => false,
  };
  const none = { readPort: () => 0, writePort: () => undefined };
  const hardware = new CodeMachine(
    {
      ...{ profile: findProfile(profile)!, paging: "4-level", engine, hasApic: false },
      ...{ backedFrames: MEMORY / 4096, frames: MEMORY / 4096, ...PLAIN },
    },
    () => ({
      ...{ ports: none, localApic: undefined, msrs: undefined, interception },
      interrupts: { hasPending: () => false, acknowledge: () => 0 },
      ...{ nextDeadline: () => Number.POSITIVE_INFINITY, runDue: () => undefined, hasInterrupt: () => false },
      ...{ readMemory: () => 0, writeMemory: () => undefined },
    }),
  );
  const plan = loadImage(code, {
    ...{ kind: "raw", rawMode: 64, rawAddress: PLACES.code, memoryBytes: MEMORY },
  });
  for (const { physical, bytes } of plan.writes) hardware.ram.set(bytes, physical);
  hardware.start(plan.start);
  const { system } = hardware;
  const { words } = system.core;
  words[CR4_WORD]! |= CR4.OSFXSR | CR4.DE;
  words.fill(0, GENERAL, GENERAL + 32);
  words[GENERAL + 2 * RBX] = PLACES.data;
  words[GENERAL + 2 * RSP] = PLACES.stack;
  addresses.forEach((address, index) => {
    words[DEBUG + 2 * index] = address;
  });
  words[DR7_WORD] = dr7;
  system.core.updateMode();
  for (;;) {
    const why = hardware.engine.run(BUDGET);
    if (why !== "exit") throw new Error(`the code ended with ${why}`);
    system.resume();
    if (end === -EXCEPTION.BP) return events;
    if (end !== EXCEPTION.DB) throw new Error(`the code raised exception ${end}`);
    const causes = words[DR6_WORD]! & CAUSES;
    events.push([(words[RIP]! - PLACES.code) | 0, causes]);
    words[DR6_WORD]! &= ~CAUSES;
    // As Linux does: behind a breakpoint on an instruction it is resumed.
    const isOnInstruction = addresses.some(
      (_, index) => ((causes >> index) & 1) !== 0 && ((dr7 >> (16 + 4 * index)) & 3) === 0,
    );
    if (isOnInstruction) words[FLAGS]! |= RFLAGS.RF;
  }
}

/** Compiles the tracer. @returns its file, in a folder; undefined, with the reason printed, where it cannot be used. */
export function makeTracer(folder: string): string | undefined {
  const program = `${folder}/tracer`;
  const source = fileURLToPath(new URL("tracer.c", import.meta.url));
  const skip = (why: string): undefined => void console.log(`skipped: breakpoints of the processor: ${why}`);
  if (process.platform !== "linux" || process.arch !== "x64") return skip("no Linux on x86-64");
  if (spawnSync("gcc", ["-O1", "-o", program, source]).status !== 0) return skip("no gcc");
  const nothing = { code: Uint8Array.of(0x90, 0xcc), addresses: [PLACES.code], dr7: 1 };
  const events = debugByTracer(program, nothing);
  if (events === undefined) return skip("ptrace may not set debug registers");
  return events.length === 1 ? program : skip("debug registers are not told to be met");
}

/** The same on the processor; undefined where debug registers may not be set. */
export function debugByTracer(program: string, { code, addresses, dr7 }: Debugged): DebugEvent[] | undefined {
  const hex = (value: number): string => value.toString(16);
  const registers = Array.from({ length: 4 }, (_, index) => hex(addresses[index] ?? 0));
  const places = [PLACES.code, PLACES.data, PLACES.stack].map(hex);
  const bytes = Buffer.from(code).toString("hex");
  const { status, stdout } = spawnSync(program, [...places, bytes, ...registers, hex(dr7)], {
    encoding: "utf8",
  });
  if (status === 3) return undefined;
  if (status !== 0) throw new Error(`the tracer ended with ${status}: ${stdout}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [at, causes] = line.split(" ");
      return [Number(at), Number.parseInt(causes!, 16)] as const;
    });
}
