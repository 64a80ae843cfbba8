/**
 * Do quick crossings change anything that is modelled? Programs that cross privileges end with the same console, events,
 * cycles and times of TLB entries, whether TypeScript does every crossing or WebAssembly does those it remembers.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../../events/events.js";
import { findProfile } from "../../../../events/profiles/index.js";
import { loadImage } from "../../../../guest/images/image.js";
import { imageFile } from "../../../../guest/programs/index.js";
import { Computer } from "../../../computer.js";
import { TIME } from "../../../registers.js";

const MEMORY = 64 * 2 ** 20;
const BUDGET = 100_000_000;

interface Setting {
  readonly engine: "interpreter" | "translator";
  readonly crossings: boolean;
  readonly caches: "off" | "all";
}

function run(program: string, width: 32 | 64, append: string, setting: Setting): Computer {
  const computer = new Computer({
    ...setting,
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    walkCaches: true,
    tlb: true,
    seed: 1,
  });
  const file = new URL(`../../../../guest/programs/${imageFile(program, width)}`, import.meta.url);
  computer.load(loadImage(readFileSync(file), { name: program, append, memoryBytes: MEMORY }));
  expect(computer.run(BUDGET)).toEqual({ kind: "exit", status: 0 });
  return computer;
}

const fingerprint = ({ machine, engine, console }: Computer): unknown => ({
  console,
  instructions: engine.instructions,
  now: engine.now(),
  lookups: machine.places.registers.times[TIME.now],
  events: [...machine.counters.events],
  cycles: [...machine.counters.cycles],
});

const PROGRAMS: [string, 32 | 64, string][] = [
  ["system-call", 32, "n=2000"],
  ["system-call", 32, "n=2000 entry=sysenter"],
  ["system-call", 64, "n=2000"],
  ["system-call", 64, "n=2000 entry=syscall"],
  ["page-fault", 32, "n=1000"],
  ["page-fault", 64, "n=1000"],
  ["context-switch", 32, "n=500"],
  ["context-switch", 64, "n=500"],
  ["timer", 32, "n=3"],
  ["timer", 64, "n=3"],
];

describe.each(PROGRAMS)("%s, %i bits, %s", (program, width, append) => {
  it("ends the same with crossings in WebAssembly", () => {
    for (const caches of ["off", "all"] as const) {
      const reference = run(program, width, append, { engine: "interpreter", crossings: false, caches });
      for (const engine of ["interpreter", "translator"] as const) {
        const quick = run(program, width, append, { engine, crossings: true, caches });
        expect(fingerprint(quick)).toEqual(fingerprint(reference));
      }
      const { events } = reference.machine.counters;
      const crossings = events[EVENT.interrupt_returns]! + events[EVENT.guest_system_calls]!;
      expect(crossings).toBeGreaterThan(1);
    }
  });
});
