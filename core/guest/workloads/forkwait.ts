/**
 * Forks a child that writes some pages and exits, and waits for it, over and over: the process-creation
 * benchmark on which software and hardware virtualization were first compared.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { PAGE_SIZES } from "../../util/units.js";
import { pageSweep } from "./batches.js";
import { forkAndWait } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "The parent's mapped memory.",
    default: { tiny: 2 ** 20, small: 2 * 2 ** 20, full: 16 * 2 ** 20 },
    minimum: 4096,
  },
  touched: {
    kind: "count",
    description: "Pages that the child writes before it exits, at most all of them.",
    default: 16,
    minimum: 0,
    maximum: 1_000_000,
  },
  forks: {
    kind: "count",
    description: "Children forked in the measured region.",
    default: { tiny: 30, small: 600, full: 40_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

class Forkwait implements Workload {
  private childWrites: Int32Array = new Int32Array(0);

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {}

  prepare(): void {
    const { kernel, page, parameters } = this.context;
    kernel.switchTo(kernel.spawn());
    const bytes = wholePages(parameters.footprint, page);
    const va = kernel.mmap(bytes, { page, populate: true });
    const touchedBytes = Math.min(bytes, parameters.touched * PAGE_SIZES[page]);
    this.childWrites = pageSweep(va, touchedBytes, PAGE_SIZES[page], REF_WRITE);
    forkAndWait(kernel, this.childWrites);
  }

  run(): void {
    const { kernel, parameters } = this.context;
    for (let fork = 0; fork < parameters.forks; fork++) forkAndWait(kernel, this.childWrites);
  }
}

export const FORKWAIT: WorkloadDefinition<typeof PARAMETERS> = {
  name: "forkwait",
  title: "Forkwait",
  description: "Creates and destroys processes: copy-on-write, new page tables, address-space switches.",
  source:
    "Adams & Agesen, A comparison of software and hardware techniques for x86 virtualization, ASPLOS 2006",
  parameters: PARAMETERS,
  footprint: ({ footprint, touched }, page) => {
    const bytes = wholePages(footprint, page);
    const copied = Math.min(bytes, touched * PAGE_SIZES[page]);
    return { dataBytes: bytes + copied, mappedBytes: bytes, processes: 2 };
  },
  create: (context) => new Forkwait(context),
};
