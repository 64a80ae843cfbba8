/** The mini-kernel as a guest: its images, its benchmarks, and what they are run with. */
export { commandLine, DISK_FILE, imageFile, type KernelBenchmark, WIDTHS, type Width } from "./benchmark.js";
export { COMMON_PARAMETERS, KERNEL_BENCHMARKS } from "./definitions.js";
