/**
 * What a benchmark of the mini-kernel is, seen from outside: a program of the user's side (user/benchmarks/),
 * its parameters, and the command line that has the kernel run it. README.md says what it prints.
 */
import { defaultOf, type ParameterSpecs, type ParameterValue, type RunSize } from "../../util/parameters.js";

export const WIDTHS = [32, 64] as const;
/** Bits of the mode that the kernel and its programs run in. */
export type Width = (typeof WIDTHS)[number];

export interface KernelBenchmark {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: ParameterSpecs;
  /** Where the machine can do it at all. */
  readonly widths: readonly Width[];
}

/** Values by parameter; what is left out keeps the program's built-in value. */
export type BenchmarkValues = Readonly<Record<string, ParameterValue>>;

/** A benchmark's parameters at a size of run. */
export function defaultsOf(benchmark: KernelBenchmark, size: RunSize): BenchmarkValues {
  return Object.fromEntries(
    Object.entries(benchmark.parameters).map(([name, spec]) => [name, defaultOf(spec, size)]),
  );
}

/** The kernel's command line: `bench=forkwait n=40000`. */
export function commandLine(benchmark: string, values: BenchmarkValues): string {
  return [`bench=${benchmark}`, ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].join(
    " ",
  );
}

/**
 * The command line that runs the kernel's test of itself; a fast clock, for one of its items waits for ticks.
 */
export const SELF_TEST = "run=selftest hz=10000";

/**
 * An image's file, relative to this folder: an ELF file of 32 bits with a multiboot 1 header, or of 64 bits
 * with PVH's note.
 */
export function imageFile(width: Width): string {
  return `images/mini-kernel-${width}.elf`;
}

/** The disk that the kernel reads and writes, relative to this folder: 64 KiB, all zero. */
export const DISK_FILE = "images/disk.img";
