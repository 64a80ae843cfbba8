/**
 * Timeless guests (guest/fuzz/timeless-guests.ts) under every technique that runs code as it is, on both engines: each must end
 * as it does natively, with the same bytes in all of its memory. A paravirtual guest is another guest, and has tests of its own.
 */

import { findProfile } from "../events/profiles/index.js";
import { TIMELESS_BYTES, type TimelessGuest } from "../guest/fuzz/timeless-guests.js";
import { PAGE_BYTES } from "../machine/address.js";
import {
  Computer,
  type ComputerOptions,
  type GuestComputer,
  VIDEO_END,
  VIDEO_FIRST,
} from "../machine/computer.js";
import { EFER } from "../machine/cpu/control-bits.js";
import { makeBinaryTranslation } from "./binary-translation/computer.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "./hardware-assisted/computer.js";
import { makeTrapAndEmulate } from "./trap-and-emulate/computer.js";

const BUDGET = 5_000_000;
/** One of each vendor with nested paging, and one with the local APIC in hardware. */
const PROFILES = ["nehalem-2008", "barcelona-2007", "ice-lake-2019", "zen-3-2020"] as const;
const NESTED = { hostOrder: 0, vpid: true, accessedDirty: false, populate: false } as const;
const ENGINES = ["interpreter", "translator"] as const;
type Engine = (typeof ENGINES)[number];
const shadow = { eager: false, outOfSync: true, reuse: true, maximumTables: 1024, writeFlood: 3 };
const translation = { shadow, cachePages: 256, chaining: true, adaptive: true };
const MAKERS = {
  native: (options: ComputerOptions) => new Computer(options),
  "trap-and-emulate": (options: ComputerOptions) => makeTrapAndEmulate({ ...options, shadow }),
  "binary translation": (options: ComputerOptions) =>
    makeBinaryTranslation({ ...options, ...translation, returnsInCache: false }),
  "binary translation, returning in the cache": (options: ComputerOptions) =>
    makeBinaryTranslation({ ...options, ...translation, returnsInCache: true }),
  "hardware/nested": (options: ComputerOptions) =>
    makeHardwareComputer(options, { ...NESTED, apicAssist: "off" }),
  "hardware/nested with all assistance": (options: ComputerOptions) =>
    makeHardwareComputer(options, { ...NESTED, apicAssist: "on", pauseLoopExiting: true }),
  "hardware/shadow": (options: ComputerOptions) =>
    makeHardwareShadowComputer(options, { vpid: true, shadow }),
} satisfies Readonly<Record<string, (options: ComputerOptions) => GuestComputer>>;
export const TECHNIQUES = Object.keys(MAKERS) as readonly LockstepTechnique[];

export type LockstepTechnique = keyof typeof MAKERS;

/** Which runs are compared with the native one; all where nothing is said. */
export interface LockstepChoice {
  readonly profiles?: readonly string[];
  readonly techniques?: readonly LockstepTechnique[];
  /** On which engines a technique's guest runs. */
  readonly engines?: (technique: string) => readonly Engine[];
}

/** How a guest ended: outcome, console, whether a monitor says that it was found out; and its memory. */
interface Ending {
  readonly summary: string;
  readonly memory: Int32Array;
}

function endingOf(computer: GuestComputer, { load }: TimelessGuest): Ending {
  computer.load(load);
  const outcome = computer.run(BUDGET);
  const kind = outcome.kind === "exit" ? `exit ${outcome.status}` : outcome.kind;
  const bytes = new Uint8Array(TIMELESS_BYTES);
  computer.guestMemory.read(0, bytes);
  // No memory is there, and nothing answers.
  bytes.fill(0, VIDEO_FIRST * PAGE_BYTES, VIDEO_END * PAGE_BYTES);
  return {
    summary: `${kind}, ${computer.console}, ${computer.misbehaviour ?? "nothing shown"}`,
    memory: new Int32Array(bytes.buffer),
  };
}

/** Whether a translator would refuse a guest for its code of 64 bits. */
const needsLongLimits = ({ load }: TimelessGuest, profile: string): boolean =>
  (load.start.efer & EFER.LMA) !== 0 && !findProfile(profile)!.features.longModeLimits;

/** In words; undefined where there is no difference. */
function difference(ending: Ending, truth: Ending): string | undefined {
  if (ending.summary !== truth.summary) return `${ending.summary}; natively ${truth.summary}`;
  const at = ending.memory.findIndex((word, index) => word !== truth.memory[index]);
  if (at < 0) return undefined;
  const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
  return `${hex(ending.memory[at]!)} at ${hex(4 * at)}; natively ${hex(truth.memory[at]!)}`;
}

/** @returns what differs from native first, and where; undefined if nothing does. */
export function differenceOf(guest: TimelessGuest, choice: LockstepChoice = {}): string | undefined {
  const { profiles = PROFILES, techniques = TECHNIQUES, engines = () => ENGINES } = choice;
  const run = (technique: LockstepTechnique, engine: Engine, profile: string): Ending =>
    endingOf(
      MAKERS[technique]({
        ...{ profile: findProfile(profile)!, memoryBytes: TIMELESS_BYTES, caches: "off" },
        ...{ walkCaches: true, tlb: true, seed: 1, engine },
      }),
      guest,
    );
  for (const profile of profiles) {
    const truth = run("native", "interpreter", profile);
    for (const technique of techniques) {
      // What does not trap goes wrong there: another test says how.
      if (technique === "trap-and-emulate" && guest.showsPrivilege) continue;
      if (technique.startsWith("binary translation") && needsLongLimits(guest, profile)) continue;
      for (const engine of engines(technique)) {
        let found: string | undefined;
        try {
          found = difference(run(technique, engine, profile), truth);
        } catch (error) {
          found = `threw ${error instanceof Error ? error.message : error}`;
        }
        if (found !== undefined) return `${technique}, ${engine}, ${profile}: ${found}`;
      }
    }
  }
  return undefined;
}
