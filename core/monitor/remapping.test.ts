/**
 * An address is given another frame while a monitor shadows the table that says so, and translates code that is there: data and
 * code at it are the new frame's, under each technique as natively, and all memory ends with the same bytes. That monitors which
 * miss it are caught is planted-faults.test.ts.
 */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../machine/board.js";
import { differenceOf, TECHNIQUES } from "./lockstep.js";
import { endingOf, native } from "./testing/code-guests.js";
import {
  FRAMES,
  HEARINGS,
  LEVELS,
  remappingGuest,
  TURNS,
  USES,
  type Use,
  WIDTHS,
} from "./testing/remapping-guests.js";

/** With shadow paging; 64-bit kernels are translated on the second. */
const PROFILES = { 32: "nehalem-2008", 64: "barcelona-2007" } as const;

/** QEMU's isa-debug-exit says (status << 1) | 1, of 32 bits. */
const STATUS_BITS = 0x7fff_ffff;

const ways = WIDTHS.flatMap((width) =>
  LEVELS.flatMap((level) => HEARINGS.map((hearing) => [width, level, hearing] as const)),
);

/** The guest's hash, made of what each turn must find. */
function statusOf(use: Use): Outcome {
  let hash = 1;
  for (let turn = 0; turn < TURNS; turn++) {
    const first = FRAMES[use][turn % 2]!.value;
    // The data is one more each time that its frame was there.
    const found = use === "data" ? first + Math.floor(turn / 2) : first;
    hash = ((hash << 5) | (hash >>> 27)) ^ found;
  }
  return { kind: "exit", status: hash & STATUS_BITS };
}

describe.each(USES)("%s at an address", (use) => {
  it.each(ways)("of %i bits whose %s is another, and %s", (width, level, hearing) => {
    const guest = remappingGuest(width, use, level, hearing);
    expect(endingOf(native(guest), guest).outcome).toEqual(statusOf(use));
    // Now this engine and now that: that they agree is engines' tests.
    const engines = (technique: string) =>
      ((TECHNIQUES as readonly string[]).indexOf(technique) + HEARINGS.indexOf(hearing)) % 2 === 0
        ? (["interpreter"] as const)
        : (["translator"] as const);
    expect(differenceOf(guest, { profiles: [PROFILES[width]], engines })).toBeUndefined();
  });
});
