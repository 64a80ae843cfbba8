/**
 * Programs that throw translations away, fault and switch address spaces: does WebAssembly leave TLBs, paging-structure
 * caches, events and cycles as TypeScript does, in every paging format and on CPUs with different TLBs?
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { Computer } from "../../machine/computer.js";
import { ENTRY_WORDS, TAG_HI } from "../../machine/mmu/translations.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { loadImage } from "../images/image.js";
import { imageFile, type Width } from "./index.js";

const MEMORY = 32 * 2 ** 20;
const BUDGET = 1e8;

const PROGRAMS = [
  // More pages than the first level holds, and enough rounds for regions to be translated.
  "invlpg n=3000 pages=150",
  "page-fault n=3000 pages=70",
  "address-spaces n=40 pages=100",
  "random n=10000 size=8388608",
];
const MACHINES: readonly (readonly [profile: string, width: Width, paging: string])[] = [
  ["skylake-2015", 32, "paging=2-level"],
  ["skylake-2015", 64, ""],
  ["nehalem-2008", 64, "page=large"],
  ["zen-3-2020", 32, "paging=2-level page=large"],
];

function run(profile: string, width: Width, line: string, crossings: boolean): object {
  const computer = new Computer({
    profile: findProfile(profile)!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine: crossings ? "translator" : "interpreter",
    crossings,
  });
  const file = new URL(imageFile(line.split(" ")[0]!, width), import.meta.url);
  computer.load(loadImage(readFileSync(file), { name: file.pathname, append: line, memoryBytes: MEMORY }));
  const outcome = computer.run(BUDGET);
  const { counters, mmu } = computer.machine;
  const { words } = mmu.parts.store;
  const live: number[] = [];
  for (let entry = 0; entry < words.length; entry += ENTRY_WORDS)
    if (words[entry + TAG_HI]! >= 0) live.push(entry, ...words.subarray(entry, entry + ENTRY_WORDS));
  return {
    outcome,
    console: computer.console,
    now: [mmu.now, computer.engine.now(), computer.engine.instructions],
    events: counters.events.join(),
    cycles: counters.cycles.join(),
    entries: createHash("sha256").update(live.join()).digest("hex"),
  };
}

describe.each(MACHINES)("%s, %i bits, %s", (profile, width, paging) => {
  it.each(PROGRAMS)("%s", (program) => {
    const line = `${program} ${paging}`;
    const reference = run(profile, width, line, false);
    expect(reference).toMatchObject({ outcome: { kind: "exit", status: 0 } });
    expect(run(profile, width, line, true)).toEqual(reference);
  });
});
