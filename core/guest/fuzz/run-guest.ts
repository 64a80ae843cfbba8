/**
 * One fuzzed guest on both engines: neither throws, both end with an outcome within the budget, and they agree on
 * registers, events, cycles and every byte of RAM.
 */
import { findProfile } from "../../events/profiles/index.js";
import { Computer, type Load } from "../../machine/computer.js";
import { differencesOf } from "../inspect/lockstep.js";
import { GUEST_BYTES } from "./guests.js";

const MIB = 2 ** 20;
const ENGINES = ["interpreter", "translator"] as const;
/** Blocks are not cut short for a limit: a run may be over it by less than this. */
const OVERRUN = 64;

/** @returns what went wrong; undefined if nothing did. */
export function runGuest(load: Load, budget: number, memoryBytes = GUEST_BYTES): string | undefined {
  const computers = ENGINES.map((engine) => makeComputer(engine, memoryBytes)) as [Computer, Computer];
  const ends: string[] = [];
  for (const computer of computers) {
    const engine = computer.translator === undefined ? ENGINES[0] : ENGINES[1];
    try {
      computer.load(load);
      ends.push(JSON.stringify(computer.run(budget)));
    } catch (error) {
      return `the ${engine} threw ${error instanceof Error ? error.stack : error}`;
    }
    const { instructions } = computer.engine;
    if (instructions > budget + OVERRUN) return `the ${engine} executed ${instructions} instructions`;
  }
  if (ends[0] !== ends[1]) return `ends: ${ends.join(" | ")}`;
  const differences = differencesOf(...computers);
  if (differences.length > 0) return differences.join("\n");
  const [first, second] = computers.map(({ machine }) => machine.ram) as [Int32Array, Int32Array];
  const at = first.findIndex((word, index) => word !== second[index]);
  return at < 0 ? undefined : `memory at 0x${(at * 4).toString(16)}`;
}

export function makeComputer(engine: (typeof ENGINES)[number], memoryBytes = GUEST_BYTES): Computer {
  return new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes,
    caches: "off",
    walkCaches: true,
    tlb: true,
    seed: 1,
    engine,
    arenaBytes: 2 * MIB,
  });
}
