/**
 * The programs under hardware-assisted virtualization with nested paging: what they print, how they end and how many
 * instructions they take is what it is natively; both engines leave for the monitor alike, to the cycle; and every cycle has
 * an owner.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import {
  CASES,
  caseValues,
  commandLine,
  imageFile,
  type ProgramCase,
  type Width,
} from "../../guest/programs/index.js";
import { Computer, type ComputerOptions, type GuestComputer } from "../../machine/computer.js";
import { MARK } from "../../machine/devices/marks.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { type HardwareOptions, makeHardwareComputer, makeHardwareShadowComputer } from "./computer.js";

const MEMORY = 192 * 2 ** 20;
const BUDGET = 1e9;
const CHOICE: HardwareOptions = { hostOrder: 0, vpid: true, accessedDirty: true, populate: false };

type Engine = "interpreter" | "translator";

/** What the guest is: the same under every technique. */
interface Guest {
  readonly outcome: unknown;
  readonly console: string;
  /** Between the marks. */
  readonly instructions: number;
}

const optionsOf = (profile: string, engine: Engine): ComputerOptions => ({
  profile: findProfile(profile)!,
  memoryBytes: MEMORY,
  ...PLAIN,
  engine,
});

function run(computer: GuestComputer, program: ProgramCase, width: Width): Guest {
  const file = new URL(`../../guest/programs/${imageFile(program.program.name, width)}`, import.meta.url);
  const append = commandLine(caseValues(program, "tiny"));
  computer.load(loadImage(readFileSync(file), { name: file.pathname, append, memoryBytes: MEMORY }));
  const at = new Map<number, number>();
  computer.onMark = (mark) => at.set(mark, computer.engine.instructions);
  const outcome = computer.run(BUDGET);
  return { outcome, console: computer.console, instructions: at.get(MARK.end)! - at.get(MARK.begin)! };
}

/** What the engines must agree on. */
function fingerprint({ engine, machine }: GuestComputer): string {
  const { events, cycles, exits, exitCycles } = machine.counters;
  return [engine.instructions, engine.now(), events, cycles, exits, exitCycles].join("\n");
}

/** How often a program waits for a clock depends on how fast it is. */
const isTimed = ({ name }: ProgramCase): boolean => name.startsWith("timer");

const nested =
  (choice: HardwareOptions) =>
  (options: ComputerOptions): GuestComputer =>
    makeHardwareComputer(options, choice);
const shadowed =
  (outOfSync: boolean) =>
  (options: ComputerOptions): GuestComputer =>
    makeHardwareShadowComputer(options, {
      vpid: true,
      shadow: { eager: false, outOfSync, reuse: true, maximumTables: 0, writeFlood: 3 },
    });

function compare(
  profile: string,
  program: ProgramCase,
  width: Width,
  make: (options: ComputerOptions) => GuestComputer = nested(CHOICE),
): void {
  const native = run(new Computer(optionsOf(profile, "translator")), program, width);
  const [translated, interpreted] = (["translator", "interpreter"] as const).map((engine) => {
    const computer = make(optionsOf(profile, engine));
    return { computer, guest: run(computer, program, width) };
  });
  const { guest, computer } = translated!;
  expect(guest.outcome).toEqual({ kind: "exit", status: 0 });
  expect(isTimed(program) ? { ...guest, instructions: 0 } : guest).toEqual(
    isTimed(program) ? { ...native, instructions: 0 } : native,
  );
  expect(fingerprint(interpreted!.computer)).toBe(fingerprint(computer));
  expect(computer.machine.counters.totalCycles).toBe(computer.engine.now());
}

const of = (name: string): ProgramCase => CASES.find((one) => one.name === name)!;

describe.each(CASES)("$name on skylake-2015", (program) => {
  it.each([...program.widths])("is what it is natively, %i bits", (width) => {
    compare("skylake-2015", program, width);
  });
});

/** Without unrestricted guest (Nehalem): paging off is identity tables. */
describe.each(["nehalem-2008", "haswell-2013", "ice-lake-2019", "zen-2-2019", "barcelona-2007"])(
  "on %s",
  (profile) => {
    it.each(["address-spaces", "timer-apic"])("%s is what it is natively", (name) => {
      for (const width of [32, 64] as const) compare(profile, of(name), width);
    });
  },
);

describe("host pages and tags", () => {
  it.each([
    ["2M", { ...CHOICE, hostOrder: 9 }],
    ["1G, of which this guest has none whole", { ...CHOICE, hostOrder: 18 }],
    ["without VPIDs", { ...CHOICE, vpid: false }],
    ["populated at the start", { ...CHOICE, populate: true }],
  ])("%s", (_name, choice) => {
    compare("skylake-2015", of("address-spaces"), 64, nested(choice));
  });
});

describe("on shadow page tables", () => {
  const PROGRAMS = [
    "page-fault",
    "address-spaces",
    "invlpg",
    "context-switch",
    "timer-apic",
    "syscall",
    "compute",
  ];
  it.each(PROGRAMS)("%s is what it is natively, tables out of sync or each write emulated", (name) => {
    const program = of(name);
    for (const width of program.widths) compare("skylake-2015", program, width, shadowed(true));
    compare("skylake-2015", program, 64, shadowed(false));
  });

  it.each(["prescott-2005", "merom-2006", "zen-2-2019"])("on %s", (profile) => {
    for (const width of [32, 64] as const) compare(profile, of("page-fault"), width, shadowed(true));
  });
});
