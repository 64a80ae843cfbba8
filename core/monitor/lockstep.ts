/**
 * Timeless guests (guest/fuzz/timeless-guests.ts) under every technique that runs code as it is, on both engines: each must end
 * as it does natively. A paravirtual guest is another guest, and has tests of its own.
 */

import { findProfile } from "../events/profiles/index.js";
import { TIMELESS_BYTES, type TimelessGuest } from "../guest/fuzz/timeless-guests.js";
import { Computer, type ComputerOptions, type GuestComputer } from "../machine/computer.js";
import { UnsupportedError } from "../util/errors.js";
import { makeBinaryTranslation } from "./binary-translation/computer.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "./hardware-assisted/computer.js";
import { makeTrapAndEmulate } from "./trap-and-emulate/computer.js";

const BUDGET = 5_000_000;
/** One of each vendor with nested paging, and one with the local APIC in hardware. */
const PROFILES = ["nehalem-2008", "barcelona-2007", "ice-lake-2019", "zen-3-2020"] as const;
const NESTED = { hostOrder: 0, vpid: true, accessedDirty: false, populate: false } as const;
const ENGINES = ["interpreter", "translator"] as const;
const shadow = { eager: false, outOfSync: true, reuse: true, maximumTables: 1024, writeFlood: 3 };
const MAKERS: Readonly<Record<string, (options: ComputerOptions) => GuestComputer>> = {
  native: (options) => new Computer(options),
  "trap-and-emulate": (options) => makeTrapAndEmulate({ ...options, shadow }),
  "binary translation": (options) =>
    makeBinaryTranslation({ ...options, shadow, cachePages: 256, chaining: true, adaptive: true }),
  "hardware/nested": (options) => makeHardwareComputer(options, { ...NESTED, apicAssist: "off" }),
  "hardware/nested with all assistance": (options) =>
    makeHardwareComputer(options, { ...NESTED, apicAssist: "on", pauseLoopExiting: true }),
  "hardware/shadow": (options) => makeHardwareShadowComputer(options, { vpid: true, shadow }),
};

/** How a guest ended: outcome, console, and whether a monitor says that it was found out. */
function endingOf(computer: GuestComputer, { load }: TimelessGuest): string {
  computer.load(load);
  const outcome = computer.run(BUDGET);
  const kind = outcome.kind === "exit" ? `exit ${outcome.status}` : outcome.kind;
  return `${kind}, ${computer.console}, ${computer.misbehaviour ?? "nothing shown"}`;
}

/** @returns what differs from native first, and where; undefined if nothing does. */
export function differenceOf(
  guest: TimelessGuest,
  profiles: readonly string[] = PROFILES,
): string | undefined {
  for (const profile of profiles) {
    let truth: string | undefined;
    for (const [technique, make] of Object.entries(MAKERS)) {
      // What does not trap goes wrong there: another test says how.
      if (technique === "trap-and-emulate" && guest.showsPrivilege) continue;
      for (const engine of ENGINES) {
        const computer = make({
          ...{ profile: findProfile(profile)!, memoryBytes: TIMELESS_BYTES, caches: "off" },
          ...{ walkCaches: true, tlb: true, seed: 1, engine },
        });
        let ending: string;
        try {
          ending = endingOf(computer, guest);
        } catch (error) {
          const lacksLimits = !findProfile(profile)!.features.longModeLimits;
          if (error instanceof UnsupportedError && technique === "binary translation" && lacksLimits)
            continue;
          ending = `threw ${error instanceof Error ? error.message : error}`;
        }
        truth ??= ending;
        if (ending !== truth) return `${technique}, ${engine}, ${profile}: ${ending}; natively ${truth}`;
      }
    }
  }
  return undefined;
}
