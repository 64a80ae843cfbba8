/**
 * Debian's kernel boots on our machine to our init: on each engine alike, on processors that find their clock and their
 * timer in different ways, with tables of the firmware and without. Skipped, with the reason, without the kernel.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { findProfile } from "../../../events/profiles/index.js";
import { Computer } from "../../../machine/computer.js";
import { PLAIN } from "../../../machine/testing/plain.js";
import { MIB } from "../../../util/units.js";
import { initramfs } from "../../images/cpio.js";
import { loadImage } from "../../images/image.js";
import { pcFirmware } from "../../images/pc-firmware.js";

const KERNEL = "results/images/vmlinuz";
const INIT = new URL("init", import.meta.url);
const APPEND = "console=ttyS0 nokaslr cryptomgr.notests tsc=reliable panic=-1 reboot=k";
const WORK = "syscalls=7 forks=2 pages=3";
const MEMORY = 128 * MIB;
/** Twice what the longest boot takes. */
const BUDGET = 2.5e9;
const TIMEOUT_MS = 180_000;
const TABLES = pcFirmware({ processors: 1, signature: 0x506e3, features: 0x201 });

const hasKernel = existsSync(KERNEL);
if (!hasKernel) console.log(`skipped: Linux: no ${KERNEL}; scripts/fetch-linux.mjs fetches it`);

interface Setting {
  readonly profile: string;
  readonly engine: "interpreter" | "translator";
  readonly hasTables: boolean;
  /** How init ends the machine. */
  readonly end: "reset" | "exit" | "halt";
}

function make({ profile, engine, hasTables, end }: Setting): Computer {
  const computer = new Computer({
    profile: findProfile(profile)!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
  });
  const plan = loadImage(readFileSync(KERNEL), {
    name: KERNEL,
    memoryBytes: MEMORY,
    append: `${APPEND} -- ${WORK} end=${end}`,
    modules: [{ name: "initramfs", bytes: initramfs(readFileSync(INIT)) }],
    ...(hasTables ? { firmware: TABLES } : {}),
  });
  computer.load(plan);
  return computer;
}

const ramOf = ({ machine }: Computer): Uint8Array =>
  new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, machine.ram.byteLength);

function expectInitRan(text: string, end: string): void {
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith("init: "));
  expect(lines[0]).toMatch(/^init: running on Linux \S+ x86_64$/);
  expect(lines.slice(1)).toEqual([
    "init: 7 system calls",
    "init: 2 forks",
    "init: 3 pages touched",
    `init: done, ${end}`,
  ]);
  // Nothing that the kernel thinks is wrong with the machine.
  expect(text).not.toMatch(/Firmware Bug|ACPI Error|unchecked MSR|Call Trace|BUG:|WARNING: CPU/);
}

describe.runIf(hasKernel)("Linux", () => {
  it(
    "boots alike on both engines, and resets the machine",
    () => {
      const setting = { profile: "skylake-2015", hasTables: true, end: "reset" } as const;
      const interpreted = make({ ...setting, engine: "interpreter" });
      expect(interpreted.run(BUDGET)).toEqual({ kind: "reset" });
      expectInitRan(interpreted.console, setting.end);
      expect(interpreted.console).toContain("APIC: Switch to symmetric I/O mode");
      const { events } = interpreted.machine.counters;
      expect(events[EVENT.guest_system_calls]).toBeGreaterThan(7);
      expect(events[EVENT.interrupts]).toBeGreaterThan(5);

      const translated = make({ ...setting, engine: "translator" });
      // Stops on the way change nothing.
      for (const instructions of [1e6, 123_456_789, 440_000_001]) translated.run(instructions);
      expect(translated.run(BUDGET)).toEqual({ kind: "reset" });
      expect(translated.engine.instructions).toBe(interpreted.engine.instructions);
      expect(translated.engine.now()).toBe(interpreted.engine.now());
      expect([...translated.machine.counters.events]).toEqual([...events]);
      expect([...translated.machine.counters.cycles]).toEqual([...interpreted.machine.counters.cycles]);
      expect(translated.console).toBe(interpreted.console);
      expect(Buffer.compare(ramOf(translated), ramOf(interpreted))).toBe(0);
    },
    TIMEOUT_MS,
  );

  it.each([
    { profile: "nehalem-2008", hasTables: false, end: "exit", outcome: { kind: "exit", status: 0 } },
    { profile: "zen-2-2019", hasTables: true, end: "halt", outcome: { kind: "asleep" } },
  ] as const)(
    "boots on $profile, tables of the firmware: $hasTables",
    ({ outcome, ...setting }) => {
      const computer = make({ ...setting, engine: "translator" });
      expect(computer.run(BUDGET)).toEqual(outcome);
      const text = computer.console;
      expectInitRan(text, setting.end);
      const mode = setting.hasTables ? "symmetric I/O mode" : "virtual wire mode";
      expect(text).toContain(`APIC: Switch to ${mode}`);
    },
    TIMEOUT_MS,
  );
});
