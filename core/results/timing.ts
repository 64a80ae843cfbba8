/**
 * Host numbers: how long this machine takes to simulate a cell (the one file that touches tinybench). They
 * are noise around a truth, so a cell is measured several times, in a process that does nothing else (the
 * command line forks it), and they are kept in timing.csv, apart from everything modelled.
 */
import type { Row } from "../scenario/scenario.js";
import type { Table } from "./table.js";

/** What N runs of one function took, seconds. */
export interface HostTiming {
  /** Each run, ascending. */
  readonly samples: readonly number[];
  readonly min: number;
  readonly median: number;
  readonly mean: number;
  readonly p75: number;
  readonly p99: number;
  /** Sample standard deviation; 0 with one sample. */
  readonly sd: number;
}

/** One cell's timing with what it simulates in one run, and the most memory its process had. */
export interface CellTiming {
  readonly cell: string;
  readonly timing: HostTiming;
  /** Of a reference stream; code has instructions. */
  readonly references?: number;
  readonly instructions?: number;
  /** Resident set of the whole process: Node, its libraries, preparation and all runs. */
  readonly peakRssBytes: number;
}

export const TIMING_COLUMNS = [
  { name: "cell", unit: "text", description: "The cell's id, as in rows.csv." },
  { name: "samples", unit: "count", description: "Runs measured, warm-up not counted." },
  { name: "min_seconds", unit: "s", description: "The fastest run." },
  { name: "median_seconds", unit: "s", description: "The median run." },
  { name: "mean_seconds", unit: "s", description: "The mean." },
  { name: "p75_seconds", unit: "s", description: "75th percentile." },
  { name: "p99_seconds", unit: "s", description: "99th percentile." },
  { name: "sd_seconds", unit: "s", description: "Sample standard deviation." },
  {
    name: "simulated_references",
    unit: "count",
    description: "Memory references that one run simulates, in its region of interest.",
  },
  { name: "references_per_second", unit: "1/s", description: "simulated_references / median_seconds." },
  {
    name: "simulated_instructions",
    unit: "count",
    description: "Instructions that one run executes in its region of interest; bringing the guest up is not measured.",
  },
  { name: "instructions_per_second", unit: "1/s", description: "simulated_instructions / median_seconds." },
  {
    name: "peak_rss_bytes",
    unit: "bytes",
    description: "Most memory of the measuring process, Node itself and preparation included.",
  },
] as const;

const MS_PER_SECOND = 1000;

/**
 * Runs `run` `samples` times after `warmup` unmeasured runs, and awaits it where it is asynchronous.
 * @param run what is measured; it may return the seconds that count, where not all of it does
 * @param samples at least 1. Errors are thrown on.
 */
export async function measure(
  run: () => void | number | Promise<void>,
  { samples, warmup = 1 }: { samples: number; warmup?: number | undefined },
): Promise<HostTiming> {
  const { Bench } = await import("tinybench");
  const bench = new Bench({
    iterations: samples,
    time: 0, // exactly `samples` runs, however short
    warmup: warmup > 0,
    warmupIterations: warmup,
    warmupTime: 0,
    retainSamples: true,
    throws: true,
  });
  const task = async () => {
    const seconds = await run();
    return typeof seconds === "number" ? { overriddenDuration: seconds * MS_PER_SECOND } : undefined;
  };
  bench.add("cell", task, { async: true });
  const [measured] = await bench.run();
  const { result } = measured!;
  if (result.state !== "completed") throw new Error(`the measurement ended as ${result.state}`);
  const { latency } = result;
  const seconds = (ms: number): number => ms / MS_PER_SECOND;
  return {
    samples: [...(latency.samples ?? [])].map(seconds),
    min: seconds(latency.min),
    median: seconds(latency.p50),
    mean: seconds(latency.mean),
    p75: seconds(latency.p75),
    p99: seconds(latency.p99),
    sd: Number.isFinite(latency.sd) ? seconds(latency.sd) : 0,
  };
}

/** timing.csv as data, in the order given. */
export function timingTable(timings: readonly CellTiming[]): Table {
  const rows = timings.map(
    ({ cell, timing, references, instructions, peakRssBytes }): Row => ({
      cell,
      samples: timing.samples.length,
      min_seconds: timing.min,
      median_seconds: timing.median,
      mean_seconds: timing.mean,
      p75_seconds: timing.p75,
      p99_seconds: timing.p99,
      sd_seconds: timing.sd,
      simulated_references: references ?? "",
      references_per_second: rate(references, timing),
      simulated_instructions: instructions ?? "",
      instructions_per_second: rate(instructions, timing),
      peak_rss_bytes: peakRssBytes,
    }),
  );
  return { columns: TIMING_COLUMNS.map(({ name }) => name), rows };
}

function rate(count: number | undefined, { median }: HostTiming): number | "" {
  return count !== undefined && median > 0 ? count / median : "";
}
