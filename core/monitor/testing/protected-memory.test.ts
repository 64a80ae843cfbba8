/** That a change of protected memory is found: wherever it is, and though the monitor writes there afterwards. */
import { expect, it } from "vitest";
import type { DeprivilegedMonitor } from "../deprivileged/monitor.js";
import type { VirtualComputer } from "../virtual-computer.js";
import { type Guest, native, translated, trapped } from "./code-guests.js";
import { hostileKernel } from "./hostile-kernel.js";
import { ProtectedMemory, protectedEndingOf } from "./protected-memory.js";

const guest: Guest = hostileKernel({});
const FRAME_WORDS = 1024;

it.each([
  ["natively", native],
  ["under trap-and-emulate", trapped],
  ["under binary translation", translated],
])("a guest that does nothing changes nothing, %s", (_name, make) => {
  expect(protectedEndingOf(make(guest), guest).outcome).toEqual({ kind: "exit", status: 0 });
});

it("one word of any page of the window, or of the tables that map it, is found", () => {
  const computer = translated(guest) as VirtualComputer;
  const memory = new ProtectedMemory(computer);
  for (const frame of (computer.monitor as DeprivilegedMonitor)["window"].own) {
    computer.machine.ram[frame * FRAME_WORDS + 0x3ff]! ^= 1;
    expect(() => memory.check()).toThrow(`word 1023 of frame ${frame}`);
    computer.machine.ram[frame * FRAME_WORDS + 0x3ff]! ^= 1;
  }
  expect(() => memory.check()).not.toThrow();
});

it("a change is found before the monitor writes over it", () => {
  const computer = translated(guest) as VirtualComputer;
  const memory = new ProtectedMemory(computer);
  const { window } = computer.monitor as unknown as { window: { own: ReadonlySet<number> } };
  computer.machine.ram[[...window.own].at(-1)! * FRAME_WORDS]! = 0x5ec7;
  expect(() => computer.load(guest.load)).toThrow("was changed");
  expect(() => memory.check()).toThrow("was changed");
});
