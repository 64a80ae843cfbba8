/**
 * Where a guest spends its cycles, by symbol. The guest is stopped every so many instructions, and the cycles since the last
 * stop are given to the symbol that it stands in: a sample, but the same one every time. The interval should be a prime, or
 * it may keep step with a loop.
 */
import { addressOf } from "../../machine/address.js";
import type { Computer, Outcome } from "../../machine/computer.js";
import { STATE } from "../../machine/cpu/state.js";
import type { SymbolTable } from "../images/symbols.js";

export const DEFAULT_INTERVAL = 9_973;

export interface ProfileEntry {
  /** The symbol, or the page for code without one: "page 0x105000". */
  readonly name: string;
  readonly samples: number;
  readonly cycles: number;
  /** Of all cycles, 0 to 1. */
  readonly share: number;
}

export interface GuestProfile {
  /** Most cycles first. */
  readonly entries: readonly ProfileEntry[];
  readonly cycles: number;
  readonly instructions: number;
  readonly end: Outcome;
}

export function profileGuest(
  computer: Computer,
  symbols: SymbolTable,
  budget: number,
  interval = DEFAULT_INTERVAL,
): GuestProfile {
  const found = new Map<string, { samples: number; cycles: number }>();
  const { engine } = computer;
  const first = engine.now();
  let last = first;
  let end: Outcome;
  for (;;) {
    end = computer.run(Math.min(engine.instructions + interval, budget));
    const now = engine.now();
    const name = placeOf(computer, symbols);
    const entry = found.get(name) ?? { samples: 0, cycles: 0 };
    entry.samples++;
    entry.cycles += now - last;
    found.set(name, entry);
    last = now;
    if (end.kind !== "limit" || engine.instructions >= budget) break;
  }
  const cycles = last - first;
  const entries = [...found]
    .map(([name, entry]) => ({ name, ...entry, share: cycles === 0 ? 0 : entry.cycles / cycles }))
    .sort((a, b) => b.cycles - a.cycles || (a.name < b.name ? -1 : 1));
  return { entries, cycles, instructions: engine.instructions, end };
}

function placeOf({ machine }: Computer, symbols: SymbolTable): string {
  const { words } = machine.code!.cpu;
  const address = addressOf(words[STATE.rip / 4 + 1]!, words[STATE.rip / 4]!);
  const match = symbols.find(address);
  return match?.name ?? `page 0x${(Math.floor(address / 4096) * 4096).toString(16)}`;
}
