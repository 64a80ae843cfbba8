/**
 * All program workloads by name: computing first, then memory, then the system events where emulators and monitors spend
 * their time. Sizes: `tiny` takes up to a million instructions between the marks, `small` some tens of millions;
 * `full` takes QEMU's translator about a third of a second, which is what scripts/peers measures.
 */
import type { ParameterSpec } from "../../util/parameters.js";
import type { ProgramDefinition, Width } from "./program.js";

const MEBIBYTE = 2 ** 20;

function count(description: string, tiny: number, small: number, full: number): ParameterSpec {
  return { kind: "count", description, default: { tiny, small, full }, minimum: 1 };
}

function choice(description: string, ...choices: readonly [string, ...string[]]): ParameterSpec {
  return { kind: "choice", description, choices, default: choices[0] };
}

const tableSize: ParameterSpec = {
  kind: "bytes",
  description: "Size of the table, a power of two.",
  default: { tiny: MEBIBYTE, small: 16 * MEBIBYTE, full: 64 * MEBIBYTE },
  minimum: 4096,
};
const pages: ParameterSpec = { kind: "count", description: "Pages.", default: 64, minimum: 1, maximum: 1024 };

/** What every image understands besides: how memory is mapped. Names and words are those of runtime/paging.c. */
export const MACHINE_PARAMETERS = {
  32: {
    paging: {
      kind: "choice",
      description: "Format of page tables.",
      choices: ["off", "2-level", "pae"],
      default: "2-level",
    },
    page: { kind: "choice", description: "Pages that map memory.", choices: ["4K", "large"], default: "4K" },
  },
  64: {
    paging: {
      kind: "choice",
      description: "Format of page tables.",
      choices: ["4-level"],
      default: "4-level",
    },
    page: { kind: "choice", description: "Pages that map memory.", choices: ["4K", "large"], default: "4K" },
  },
} as const satisfies Record<Width, Record<string, ParameterSpec>>;

export const PROGRAMS: readonly ProgramDefinition[] = [
  {
    name: "arithmetic",
    title: "Register arithmetic",
    description: "Adds, shifts, rotates and combines values that stay in registers.",
    parameters: { n: count("Rounds of the loop, 18 instructions each.", 10_000, 1_000_000, 60_000_000) },
    runsNatively: true,
  },
  {
    name: "compute",
    title: "Integer compute",
    description:
      "CRC-32, heap sort, a matrix product, LZ77 compression and SHA-256, as gcc -O2 compiles them.",
    parameters: {
      n: count("Rounds of each part.", 1, 20, 400),
      part: choice("What to compute.", "all", "crc", "sort", "matrix", "compress", "hash"),
    },
    runsNatively: true,
  },
  {
    name: "interpreter",
    title: "A C program",
    description: "Compiles the text of a little language to the code of a stack machine, and runs it.",
    parameters: { n: count("Bound of what it counts, at most 100,000.", 100, 1_500, 20_000) },
    runsNatively: true,
  },
  {
    name: "n-body",
    title: "Planets",
    description: "The n-body problem in double precision by SSE2.",
    parameters: { n: count("Steps.", 200, 20_000, 400_000) },
    runsNatively: true,
  },
  {
    name: "large-code",
    title: "A large code footprint",
    description: "Calls 4,096 functions, generated at the start, indirectly in random order.",
    parameters: { n: count("Calls, 21.5 instructions each.", 10_000, 500_000, 2_000_000) },
    runsNatively: true,
  },
  {
    name: "random",
    title: "Random access",
    description:
      "Reads and writes back words at random places, with flags that live over the accesses or are dead.",
    parameters: {
      n: count("Accesses, a load and a store and 12 instructions each.", 20_000, 1_000_000, 8_000_000),
      size: tableSize,
      flags: choice("Whether a carry lives over the accesses.", "dead", "live"),
    },
    runsNatively: true,
  },
  {
    name: "chase",
    title: "Pointer chase",
    description: "Follows one random cycle through all lines of a table: each load waits for the one before.",
    parameters: { n: count("Loads, 3 instructions each.", 20_000, 200_000, 1_000_000), size: tableSize },
    runsNatively: true,
  },
  {
    name: "gups",
    title: "GUPS",
    description: "Exclusive-ors random words of a table in place.",
    parameters: { n: count("Updates.", 20_000, 1_000_000, 8_000_000), size: tableSize },
    runsNatively: true,
  },
  {
    name: "memcpy",
    title: "Memory copies",
    description: "Copies a block by REP MOVS, by a loop of words, or by aligned SSE2 moves.",
    parameters: {
      n: count("Copies.", 4, 100, 1_000),
      size: {
        kind: "bytes",
        description: "Size of the block, a multiple of 64.",
        default: { tiny: 64 * 1024, small: 256 * 1024, full: MEBIBYTE },
        minimum: 64,
      },
      by: choice("How to copy.", "movs", "words", "sse2"),
    },
    runsNatively: true,
  },
  {
    name: "address-spaces",
    title: "Two address spaces",
    description:
      "Loads CR3 and reads from each of the pages that two spaces map to frames of their own, in turn.",
    parameters: { n: count("Loads of CR3.", 500, 20_000, 40_000), pages },
    runsNatively: false,
  },
  {
    name: "invlpg",
    title: "INVLPG storm",
    description: "Throws away the translation of a page and reads from it, page after page.",
    parameters: { n: count("INVLPGs, 10 instructions each.", 10_000, 400_000, 800_000), pages },
    runsNatively: false,
  },
  {
    name: "page-fault",
    title: "Page faults",
    description: "Reads from a page that is not there; the handler maps it; then it is unmapped again.",
    parameters: { n: count("Faults.", 2_000, 100_000, 250_000), pages },
    runsNatively: false,
  },
  {
    name: "system-call",
    title: "System calls",
    description: "Calls the kernel from ring 3 and does nothing else.",
    parameters: {
      n: count("Calls.", 5_000, 200_000, 600_000),
      entry: choice(
        "The way into the kernel; SYSCALL in the 64-bit image alone.",
        "int80",
        "sysenter",
        "syscall",
      ),
    },
    runsNatively: false,
  },
  {
    name: "nano",
    title: "Nanobenchmarks",
    description:
      "One operation of a kernel over and over, with fault handlers of four instructions (Adams & Agesen 2006).",
    parameters: {
      n: count("Operations, a multiple of 16.", 1_600, 16_000, 160_000),
      operation: choice(
        "Which; MOV to CR8 in the 64-bit image alone.",
        "in",
        "callret",
        "pgfault",
        "divzero",
        "ptemod",
        "cr8wr",
      ),
    },
    runsNatively: false,
  },
  {
    name: "context-switch",
    title: "Context switches",
    description: "Processes with address spaces of their own touch their pages and yield to the next.",
    parameters: {
      n: count("Switches.", 1_000, 50_000, 100_000),
      processes: { kind: "count", description: "Processes.", default: 2, minimum: 1, maximum: 16 },
      pages: {
        kind: "count",
        description: "Pages that a process writes to in its turn.",
        default: 16,
        minimum: 1,
      },
    },
    runsNatively: false,
  },
  {
    name: "timer",
    title: "Timer interrupts",
    description: "Works, or waits in HLT, until a periodic timer has interrupted n times.",
    parameters: {
      n: count("Interrupts.", 5, 50, 500),
      source: choice(
        "The timer: the 8254, or the local APIC's through its page or MSRs.",
        "pit",
        "apic",
        "x2apic",
      ),
      wait: choice("What is interrupted.", "work", "hlt"),
      period: {
        kind: "count",
        description:
          "Ticks of the timer's input between interrupts: 1,193,182 a second for the 8254, bus clock / 16 for the APIC.",
        default: 1_193,
        minimum: 2,
      },
    },
    runsNatively: false,
  },
];

export function findProgram(name: string): ProgramDefinition | undefined {
  return PROGRAMS.find((program) => program.name === name);
}
