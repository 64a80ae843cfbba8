/**
 * The mini-kernel's benchmarks (guest/mini-kernel) as workloads: `kernel/forkwait` with its parameters. The
 * width of the kernel is a parameter, `bits`; its page tables are always of its own format: PAE, or four
 * levels.
 */
import {
  COMMON_PARAMETERS,
  commandLine,
  DISK_FILE,
  imageFile,
  KERNEL_BENCHMARKS,
  type KernelBenchmark,
  WIDTHS,
  type Width,
} from "../../guest/mini-kernel/index.js";
import type { ParameterSpec, ParameterValue } from "../../util/parameters.js";
import type { CellConfig, GuestPaging } from "../config.js";
import { type CodeWorkload, NOT_RAW } from "./workload.js";

export const KERNEL_PREFIX = "kernel/";

/** From the folder of the lab's programs. */
const FOLDER = "../mini-kernel";

const BITS: ParameterSpec = {
  kind: "number-choice",
  description: "Width of the kernel and its programs: protected mode with PAE, or long mode.",
  choices: [...WIDTHS],
  default: 64,
};
const PAGING: Readonly<Record<Width, GuestPaging>> = { 32: "pae", 64: "4-level" };
const IMAGE_KIND = { 32: "multiboot", 64: "pvh" } as const;

/** What the kernel's Xen port can hold (mini-kernel/include/settings.h, XEN_BATCH_MOST). */
const MOST_BATCHED = 128;

/** `size` is the size of a run here; what a benchmark touches is called as it is for every workload. */
const SCENARIO_NAMES: Readonly<Record<string, string>> = { size: "footprint" };

export const KERNEL_WORKLOADS: readonly CodeWorkload[] = KERNEL_BENCHMARKS.map(kernelWorkload);

function kernelWorkload(benchmark: KernelBenchmark): CodeWorkload {
  const own = { ...benchmark.parameters, ...COMMON_PARAMETERS };
  const names = Object.keys(own).map((name) => [SCENARIO_NAMES[name] ?? name, name] as const);
  const specs = new Map<string, ParameterSpec>(Object.entries(own));
  return {
    name: `${KERNEL_PREFIX}${benchmark.name}`,
    title: benchmark.title,
    description: benchmark.description,
    source: "core/guest/mini-kernel/README.md",
    parameters: {
      bits: BITS,
      ...Object.fromEntries(names.map(([written, name]) => [written, specs.get(name)!])),
    },
    paging: (parameters) => PAGING[widthOf(parameters)],
    request: ({ parameters, paravirtual }) => {
      const width = widthOf(parameters);
      const values = {
        ...Object.fromEntries(names.map(([written, name]) => [name, parameters[written]!])),
        batch: Math.min(paravirtual.batch, MOST_BATCHED),
      };
      return {
        image: `${FOLDER}/${imageFile(width)}`,
        isShipped: true,
        kind: IMAGE_KIND[width],
        append: commandLine(benchmark.name, values),
        modules: [],
        disk: needsDisk(parameters) ? `${FOLDER}/${DISK_FILE}` : "",
        raw: NOT_RAW,
      };
    },
    unsupported: (config, profile) => {
      const width = widthOf(config.parameters);
      if (width === 64 && !profile.features.longMode)
        return `${profile.name} has no long mode, which the 64-bit kernel needs`;
      return unsupportedBy(benchmark, width, config);
    },
  };
}

function unsupportedBy(
  benchmark: KernelBenchmark,
  width: Width,
  { guest, page }: CellConfig,
): string | undefined {
  if (!benchmark.widths.includes(width)) return `${benchmark.title} is an instruction of 64-bit mode`;
  if (guest.paging !== PAGING[width])
    return `the ${width}-bit kernel has page tables of ${PAGING[width]}, not ${guest.paging}`;
  if (page !== "4K") return "the kernel maps what its processes use in 4K pages";
  return undefined;
}

/** A disk is there only for those who read it: finding one takes the kernel time. */
function needsDisk(parameters: Readonly<Record<string, ParameterValue>>): boolean {
  const storage = parameters["storage"];
  return storage !== undefined && storage !== "ram";
}

function widthOf(parameters: Readonly<Record<string, ParameterValue>>): Width {
  return parameters["bits"] === 32 ? 32 : 64;
}
