/**
 * What a workload is: a program of references and operating-system operations, run by the guest's kernel model. `prepare`
 * is not measured; `run` is the region of interest. A workload draws all its chance from the generator it is given.
 */
import type { ParameterSpecs, ParameterValues } from "../../util/parameters.js";
import type { Random } from "../../util/random.js";
import type { PageSizeName } from "../../util/units.js";
import type { GuestKernel } from "../kernel/kernel.js";

export interface WorkloadContext<S extends ParameterSpecs> {
  readonly kernel: GuestKernel;
  readonly parameters: ParameterValues<S>;
  /** Page size for the workload's data. */
  readonly page: PageSizeName;
  readonly random: Random;
}

export interface Workload {
  /** Up to the begin mark: builds address spaces, touches memory, warms up. */
  prepare(): void;
  /** Between the begin and end marks. */
  run(): void;
}

/** Guest memory a workload will need at most, so that the machine can be built large enough. */
export interface WorkloadFootprint {
  /** Data of all processes together, bytes, counting what is mapped at the same time. */
  readonly dataBytes: number;
  /** Most processes alive at once (each has its own page tables). */
  readonly processes: number;
  /** Most virtual memory mapped in one process, bytes. */
  readonly mappedBytes: number;
}

export interface WorkloadDefinition<S extends ParameterSpecs = ParameterSpecs> {
  /** kebab-case. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Where this pattern comes from: a benchmark or a paper. */
  readonly source: string;
  readonly parameters: S;
  footprint(parameters: ParameterValues<S>, page: PageSizeName): WorkloadFootprint;
  create(context: WorkloadContext<S>): Workload;
}
