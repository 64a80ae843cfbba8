/**
 * The programs with the parameters that tests, the speed scenario and scripts/peers run them with, each under a name, and
 * what is known to come out: the checksum, which neither width nor machine changes, and the exact number of
 * instructions between the marks, by width, where it does not depend on the machine.
 */
import type { RunSize, Sized } from "../../util/parameters.js";
import { findProgram } from "./definitions.js";
import { EXPECTED } from "./expected.table.js";
import { defaultsOf, type ProgramDefinition, type ProgramValues, WIDTHS, type Width } from "./program.js";

const MEBIBYTE = 2 ** 20;

export interface ProgramCase {
  readonly name: string;
  readonly program: ProgramDefinition;
  /** Parameters that differ from the program's defaults. */
  readonly parameters: Readonly<Record<string, Sized<number | string>>>;
  readonly widths: readonly Width[];
  /** False where the number of instructions depends on the machine: on its timers, or on how it counts REP. */
  readonly isCountable: boolean;
}

export interface ExpectedResult {
  /** As the program prints it: eight hexadecimal digits. */
  readonly checksum: string;
  /** Between the marks, by QEMU -icount; the OUT instructions of the marks are not counted. */
  readonly instructions?: Readonly<Partial<Record<Width, number>>>;
}

type Options = Partial<Omit<ProgramCase, "name" | "program">>;

function programCase(name: string, programName: string, options: Options = {}): ProgramCase {
  const program = findProgram(programName)!;
  return { name, program, parameters: {}, widths: WIDTHS, isCountable: true, ...options };
}

/** Random access to a table of 16 or 64 MiB; of a sixteenth of it when tiny, so that filling it takes no time. */
function randomCase(mebibytes: number, flags: "live" | "dead"): ProgramCase {
  const bytes = mebibytes * MEBIBYTE;
  const size = { tiny: bytes / 16, small: bytes, full: bytes };
  return programCase(`random-${mebibytes}-${flags}`, "random", { parameters: { size, flags } });
}

const PARTS = ["crc", "sort", "matrix", "compress", "hash"];
const PART_ROUNDS = { tiny: 1, small: 100, full: 2_000 };

/** Operations of both widths. */
const NANO = ["in", "callret", "pgfault", "divzero", "ptemod"];

export const CASES: readonly ProgramCase[] = [
  programCase("arithmetic", "arithmetic"),
  programCase("compute", "compute"),
  ...PARTS.map((part) => programCase(`compute-${part}`, "compute", { parameters: { n: PART_ROUNDS, part } })),
  programCase("interpreter", "interpreter"),
  programCase("n-body", "n-body"),
  programCase("large-code", "large-code"),
  randomCase(16, "dead"),
  randomCase(16, "live"),
  randomCase(64, "dead"),
  randomCase(64, "live"),
  programCase("chase", "chase"),
  programCase("gups", "gups"),
  programCase("memcpy-movs", "memcpy", { isCountable: false }),
  programCase("memcpy-words", "memcpy", { parameters: { by: "words" } }),
  programCase("memcpy-sse2", "memcpy", { parameters: { by: "sse2" } }),
  programCase("address-spaces", "address-spaces"),
  programCase("invlpg", "invlpg"),
  programCase("page-fault", "page-fault"),
  programCase("int80", "system-call"),
  programCase("sysenter", "system-call", { parameters: { entry: "sysenter" } }),
  programCase("syscall", "system-call", { parameters: { entry: "syscall" }, widths: [64] }),
  ...NANO.map((operation) => programCase(`nano-${operation}`, "nano", { parameters: { operation } })),
  programCase("nano-cr8wr", "nano", { parameters: { operation: "cr8wr" }, widths: [64] }),
  programCase("context-switch", "context-switch"),
  programCase("timer-pit", "timer", { isCountable: false }),
  programCase("timer-apic", "timer", { parameters: { source: "apic", wait: "hlt" }, isCountable: false }),
];

/** All values of a case at a size. */
export function caseValues(of: ProgramCase, size: RunSize): ProgramValues {
  const own = Object.entries(of.parameters).map(([name, value]) => [
    name,
    typeof value === "object" ? value[size] : value,
  ]);
  return { ...defaultsOf(of.program, size), ...Object.fromEntries(own) };
}

/** What is known to come out of a case at a size. */
export function expectedResult(of: ProgramCase, size: RunSize): ExpectedResult {
  return EXPECTED[`${of.name} ${size}`]!;
}
