import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { Computer } from "../../machine/computer.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { loadImage } from "../images/image.js";
import { commandLine, imageFile } from "../programs/index.js";
import { traceInstructions } from "./instruction-trace.js";
import { differencesOf, lockstep } from "./lockstep.js";
import { profileGuest } from "./profile.js";
import { TimeMachine } from "./time-machine.js";

const MEMORY = 64 * 2 ** 20;

function load(program: string, values = {}, engine: "interpreter" | "translator" = "translator", costs = {}) {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
    costs,
  });
  const file = new URL(`../programs/${imageFile(program, 32)}`, import.meta.url);
  const plan = loadImage(readFileSync(file), { append: commandLine(values), memoryBytes: MEMORY });
  computer.load(plan);
  return { computer, symbols: plan.symbols };
}

describe("tracing", () => {
  it("says what each instruction did, and changes nothing by looking", () => {
    const { computer, symbols } = load("system-call", { n: 100 });
    const { instructions } = traceInstructions(computer, symbols, 2_000, 200);
    expect(instructions).toHaveLength(200);
    expect(instructions.map(({ number }) => number)).toEqual(
      Array.from({ length: 200 }, (_, i) => 2_000 + i),
    );
    expect(instructions.every(({ text }) => /^[a-z]/.test(text))).toBe(true);
    expect(instructions.some(({ changes }) => changes.some((text) => text.startsWith("rax ")))).toBe(true);
    expect(instructions.some(({ symbol }) => symbol !== undefined)).toBe(true);
    // Each instruction has its own cycles: no block's first one has those of all.
    const moves = instructions.filter(({ text, events }) => text.startsWith("mov ") && events.length === 0);
    expect(moves.length).toBeGreaterThan(20);
    expect(Math.max(...moves.map(({ cycles }) => cycles))).toBeLessThanOrEqual(1);
    const undisturbed = load("system-call", { n: 100 }).computer;
    undisturbed.run(1e9);
    computer.run(1e9);
    expect(differencesOf(computer, undisturbed)).toEqual([]);
    expect(computer.engine.instructions).toBe(undisturbed.engine.instructions);
  });
});

it("a trace from beyond the guest's end says when that was", () => {
  const { computer, symbols } = load("system-call", { n: 1 });
  const { instructions, end, total } = traceInstructions(computer, symbols, 1e9, 5);
  expect([instructions, end]).toEqual([[], { kind: "exit", status: 0 }]);
  expect(total).toBe(computer.engine.instructions);
});

describe("profile", () => {
  it("gives every cycle to a place, the same one every time", () => {
    const profiles = [1, 2].map(() => {
      const { computer, symbols } = load("compute", { n: 1 });
      return profileGuest(computer, symbols, 1e9, 997);
    });
    const [profile, again] = profiles;
    expect(profile).toEqual(again);
    expect(profile!.end).toEqual({ kind: "exit", status: 0 });
    expect(profile!.entries.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(profile!.cycles);
    expect(profile!.entries[0]!.share).toBeGreaterThan(0.05);
  });
});

describe("lockstep", () => {
  const options = { budget: 1e9, checkpoint: 10_000 };
  const make = (engine: "interpreter" | "translator") => () => load("page-fault", { n: 20 }, engine).computer;
  const { symbols } = load("page-fault");

  it("finds nothing between two engines that agree", () => {
    const result = lockstep([make("interpreter"), make("translator")], symbols, options);
    expect(result.divergence).toBeUndefined();
    expect(result.end).toEqual({ kind: "exit", status: 0 });
  });

  it("finds the instruction after which two machines part", () => {
    const cheaper = (): Computer =>
      load("page-fault", { n: 20 }, "translator", { exception: 1, interrupt_delivery: 1 }).computer;
    const { divergence } = lockstep([make("translator"), cheaper], symbols, options);
    expect(divergence!.differences.join()).toMatch(/^cr2|guest_fault|rsp|rip|guest_kernel/);
    expect(divergence!.context.length).toBeGreaterThan(5);
    expect(divergence!.context.at(-1)!.number).toBe(divergence!.instruction);
  });
});

describe("the time machine", () => {
  it.each(["compute", "context-switch", "timer"])("comes by the same way again: %s", (program) => {
    const { computer } = load(program, { n: 1 });
    const time = new TimeMachine(computer, 20_000);
    const points = [30_000, 77_777, 120_001];
    const seen = points.map((point) => {
      time.goTo(point);
      return [computer.engine.now(), computer.machine.counters.events.join(), differencesHash(computer)];
    });
    for (const [index, point] of [...points.entries()].reverse()) {
      time.goTo(point);
      expect(computer.engine.instructions).toBe(point);
      expect([
        computer.engine.now(),
        computer.machine.counters.events.join(),
        differencesHash(computer),
      ]).toEqual(seen[index]);
    }
    const straight = load(program, { n: 1 }).computer;
    expect(time.goTo(1e9)).toEqual(straight.run(1e9));
    expect(differencesOf(computer, straight)).toEqual([]);
  });
});

/** Registers and counters as one text. */
function differencesHash(computer: Computer): string {
  return differencesOf(computer, load("chase").computer).join();
}
