/**
 * The benchmarks with the parameters that tests run them with, each under a name, and the checksum that is
 * known to come out, which neither width nor machine changes.
 */
import type { RunSize } from "../../util/parameters.js";
import { type BenchmarkValues, defaultsOf, type KernelBenchmark } from "./benchmark.js";
import { findBenchmark, KERNEL_BENCHMARKS } from "./definitions.js";
import { EXPECTED } from "./expected.table.js";

export interface KernelCase {
  readonly name: string;
  readonly benchmark: KernelBenchmark;
  /** Parameters that differ from the benchmark's defaults, and common ones. */
  readonly parameters: BenchmarkValues;
  /** Whether the machine needs a disk. */
  readonly hasDisk: boolean;
}

function kernelCase(
  name: string,
  benchmark: string,
  parameters: BenchmarkValues,
  hasDisk = false,
): KernelCase {
  return { name, benchmark: findBenchmark(benchmark)!, parameters, hasDisk };
}

/** A benchmark that needs a monitor. */
const NOT_ALONE = "hypercall";

const KIBIBYTE = 1024;

export const CASES: readonly KernelCase[] = [
  ...KERNEL_BENCHMARKS.filter(({ name }) => name !== NOT_ALONE).map(({ name }) => kernelCase(name, name, {})),
  kernelCase("syscall-int80", "syscall", { entry: "int80" }),
  kernelCase("ticks-apic", "ticks", { timer: "apic", hz: 1_000 }),
  kernelCase("ticks-work", "ticks", { wait: "work", hz: 10_000 }),
  kernelCase("context-switch-8-16K", "context-switch", { processes: 8, size: 16 * KIBIBYTE, n: 3 }),
  kernelCase("exec-dynamic", "exec", { linking: "dynamic" }),
  kernelCase("shell-dynamic", "shell", { linking: "dynamic" }),
  kernelCase("compile-passes", "compile", { passes: 3 }),
  kernelCase("fpu-switch-one", "fpu-switch", { computing: 1 }),
  kernelCase("fpu-switch-eager", "fpu-switch", { fpu: "eager" }),
  kernelCase("fpu-switch-careful", "fpu-switch", { processes: 3, sensitive: "avoid" }),
  kernelCase("database-pio", "database", { storage: "pio" }, true),
  kernelCase("database-dma", "database", { storage: "dma" }, true),
];

/** All values of a case at a size. */
export function caseValues({ benchmark, parameters }: KernelCase, size: RunSize): BenchmarkValues {
  return { ...defaultsOf(benchmark, size), ...parameters };
}

/** The checksum of a case when tiny: eight hexadecimal digits. */
export function expectedChecksum({ name }: KernelCase): string {
  return EXPECTED[name]!;
}
