/**
 * An interrupt at every place of translated code, in the midst of its sequences too: what the guest is shown then is one of its
 * own states between two instructions, with RIP, registers and flags as natively.
 */
import { afterEach, expect, it, vi } from "vitest";
import type { GuestComputer } from "../../machine/computer.js";
import { GENERAL, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { SystemUnit } from "../../machine/cpu/system-unit.js";
import { type Engine, type Guest, native, translated } from "../testing/code-guests.js";
import { interruptedGuest32, interruptedGuest64, TURNS_LEFT } from "../testing/interrupted-guests.js";
import { BinaryTranslationMonitor } from "./monitor.js";

/** More than it takes to come to each place with no interrupt waiting. */
const TURNS = 200;
/** Left once code is translated and linked, and when a turn of it has gone by. */
const [LINKED, LISTED] = [TURNS - 5, TURNS - 6];
/** Words of the general registers. */
const GENERAL_WORDS = 32;
const GUESTS = { 32: interruptedGuest32(TURNS), 64: interruptedGuest64(TURNS) } as const;

/** RIP, registers and flags, as the guest has them. */
function stateOf({ system: { core } }: GuestComputer): string {
  const { words } = core;
  const registers = Array.from(words.subarray(GENERAL, GENERAL + GENERAL_WORDS));
  return [words[RIP_HIGH]!, words[RIP]!, ...registers, core.readFlags()]
    .map((value) => (value >>> 0).toString(16))
    .join(" ");
}

function turnsLeft(computer: GuestComputer): number {
  const bytes = new Uint8Array(4);
  computer.guestMemory.read(TURNS_LEFT, bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** Runs to the first turn. */
function begin(computer: GuestComputer, guest: Guest): void {
  computer.load(guest.load);
  while (turnsLeft(computer) === 0) computer.run(computer.engine.instructions + 1);
}

/** Every state of the guest's own, with interrupts enabled or not. */
function ownStates(guest: Guest): ReadonlySet<string> {
  const computer = native(guest, "interpreter");
  begin(computer, guest);
  const states = new Set([stateOf(computer)]);
  while (turnsLeft(computer) > 0 && step(computer)) states.add(stateOf(computer));
  return states;
}

afterEach(() => void vi.restoreAllMocks());

/** Where the machine is. */
function placeOf(computer: GuestComputer): number {
  computer.engine.endBlock();
  return computer.system.core.words[RIP]!;
}

/** One instruction of the machine's. @returns whether there are more. */
const step = (computer: GuestComputer): boolean =>
  computer.run(computer.engine.instructions + 1).kind === "limit";

/** Every place of a turn that nothing interrupts. */
function placesOf(computer: GuestComputer): Set<number> {
  const places = new Set<number>();
  for (let turns = turnsLeft(computer); turns > LISTED; turns = turnsLeft(computer)) {
    if (turns <= LINKED) places.add(placeOf(computer));
    step(computer);
  }
  return places;
}

/**
 * An interrupt at each place of a turn, when the machine comes there and none waits.
 * @returns how many came and how many places there are, at how many of them none came, how many turns were left, and what the
 * guest was shown wrongly.
 */
function interrupted(guest: Guest, engine: Engine) {
  const states = ownStates(guest);
  const computer = translated(guest, engine);
  const { pic, schedule } = computer.pc;
  // An edge, wherever the PC's own timer has left the line.
  const device = schedule.timer(() => {
    pic.setIrq(0, false);
    pic.setIrq(0, true);
  });
  const strange = new Set<string>();
  let [delivered, isWaiting] = [0, false];
  const { injectInterrupt } = SystemUnit.prototype;
  vi.spyOn(SystemUnit.prototype, "injectInterrupt").mockImplementation(function (this: SystemUnit, vector) {
    delivered++;
    isWaiting = false;
    if (!states.has(stateOf(computer))) strange.add(stateOf(computer));
    pic.setIrq(0, false);
    injectInterrupt.call(this, vector);
  });
  begin(computer, guest);
  const left = placesOf(computer);
  const places = left.size;
  while ((left.size > 0 || isWaiting) && strange.size === 0 && turnsLeft(computer) > 0) {
    if (!isWaiting && left.delete(placeOf(computer))) {
      isWaiting = true;
      device.at(computer.engine.now());
    }
    step(computer);
  }
  return { strange: [...strange], places, missed: left.size, delivered, turns: turnsLeft(computer) };
}

const RUNS = ([32, 64] as const).flatMap((width) =>
  (["interpreter", "translator"] as const).map((engine) => [width, engine] as const),
);

it.each(RUNS)("is at an instruction of the guest's, %i bits, %s", (width, engine) => {
  const { strange, places, missed, delivered, turns } = interrupted(GUESTS[width], engine);
  expect(strange).toEqual([]);
  expect({ missed, delivered }).toEqual({ missed: 0, delivered: places });
  expect(turns).toBeGreaterThan(0);
  expect(places).toBeGreaterThan(100);
});

it.each([32, 64] as const)("is not, where sequences are not completed, %i bits", (width) => {
  vi.spyOn(
    BinaryTranslationMonitor.prototype as unknown as { completeInstruction(): void },
    "completeInstruction",
  ).mockReturnValue();
  expect(interrupted(GUESTS[width], "interpreter").strange).not.toEqual([]);
});
