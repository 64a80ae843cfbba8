/**
 * Guests that are code, run natively and under monitors that keep their kernel at CPL 1: the lab's 32-bit programs and the
 * mini-kernel, with what their ends are compared by.
 */
import { readFileSync } from "node:fs";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import { Computer, type ComputerOptions, type GuestComputer, type Load } from "../../machine/computer.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { makeBinaryTranslation, type TranslatedComputerOptions } from "../binary-translation/computer.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "../hardware-assisted/computer.js";
import { makeTrapAndEmulate } from "../trap-and-emulate/computer.js";

const MEMORY = 64 * 2 ** 20;
const BUDGET = 3e8;

export type Engine = "interpreter" | "translator";

/** How a monitor translates and shadows; what is left out is as scenarios have it. */
export interface Choice {
  readonly cachePages?: number;
  readonly chaining?: boolean;
  readonly adaptive?: boolean;
  readonly returnsInCache?: boolean;
  readonly outOfSync?: boolean;
}

export interface Guest {
  readonly load: Load;
  readonly disks?: readonly Uint8Array[];
  /** Of the processor; Nehalem if left out. */
  readonly profile?: string;
}

/** Kernels of 64 bits are translated where 64-bit mode has limits. */
export const withLongLimits = (guest: Guest): Guest => ({ ...guest, profile: "barcelona-2007" });

/** What the guest is: the same under every technique. */
export interface GuestEnding {
  readonly outcome: unknown;
  readonly console: string;
}

export const optionsOf = (guest: Guest, engine: Engine = "translator"): ComputerOptions => ({
  profile: findProfile(guest.profile ?? "nehalem-2008")!,
  memoryBytes: MEMORY,
  ...PLAIN,
  engine,
  ...(guest.disks === undefined ? {} : { disks: guest.disks }),
});

/** An image with its command line. @param file relative to the guests' folder. */
export function imageGuest(file: string, append: string, diskFile?: string): Guest {
  const read = (name: string): Uint8Array => readFileSync(new URL(`../../guest/${name}`, import.meta.url));
  const load = loadImage(read(file), { name: file, append, memoryBytes: MEMORY });
  return { load, ...(diskFile === undefined ? {} : { disks: [read(diskFile)] }) };
}

const shadowOf = ({ outOfSync = true }: Choice) => ({
  eager: false,
  outOfSync,
  reuse: true,
  maximumTables: 1024,
  writeFlood: 3,
});

export const translationOf = (options: ComputerOptions, choice: Choice = {}): TranslatedComputerOptions => ({
  ...options,
  shadow: shadowOf(choice),
  cachePages: choice.cachePages ?? 256,
  chaining: choice.chaining ?? true,
  adaptive: choice.adaptive ?? true,
  returnsInCache: choice.returnsInCache ?? false,
});

export const native = (guest: Guest, engine?: Engine): GuestComputer =>
  new Computer(optionsOf(guest, engine));
export const translated = (guest: Guest, engine?: Engine, choice?: Choice): GuestComputer =>
  makeBinaryTranslation(translationOf(optionsOf(guest, engine), choice));
export const trapped = (guest: Guest, engine?: Engine, choice: Choice = {}): GuestComputer =>
  makeTrapAndEmulate({ ...optionsOf(guest, engine), shadow: shadowOf(choice) });

const NESTED = { hostOrder: 0, vpid: true, accessedDirty: false, populate: false } as const;

/** Every way to run a guest that is no paravirtual one. */
export const TECHNIQUES: Readonly<Record<string, (guest: Guest, engine?: Engine) => GuestComputer>> = {
  native,
  "trap and emulate": trapped,
  "binary translation": translated,
  "VT-x, nested": (guest, engine) => makeHardwareComputer(optionsOf(guest, engine), NESTED),
  "AMD-V, nested": (guest, engine) =>
    makeHardwareComputer({ ...optionsOf(guest, engine), profile: findProfile("barcelona-2007")! }, NESTED),
  "VT-x, shadow": (guest, engine) =>
    makeHardwareShadowComputer(optionsOf(guest, engine), { vpid: true, shadow: shadowOf({}) }),
};

/** Runs a guest to its end. */
export function endingOf(computer: GuestComputer, guest: Guest, budget = BUDGET): GuestEnding {
  computer.load(guest.load);
  const outcome = computer.run(budget);
  return { outcome, console: computer.console };
}

/** What the engines must agree on. */
export function countsOf({ engine, machine }: GuestComputer): string {
  const { events, cycles, exits, exitCycles } = machine.counters;
  return [engine.instructions, engine.now(), events, cycles, exits, exitCycles].join("\n");
}
