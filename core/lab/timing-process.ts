/**
 * The process that measures the host time of one cell's region of interest: one request from its parent, one reply, and it
 * ends (host-timing.ts).
 *
 * A reference stream's machine is booted and prepared once, which is not measured; then the region runs over and over, each time
 * from where the last ended, so that memory is one machine's and every sample does the same kind of work. Code starts on a new
 * machine for each sample, and only what passes between its marks counts: translating it is measured, bringing it up is not.
 *
 * This exchange is also how one revision of the project measures another (host-comparison.ts): keep it understood by both.
 */
import { EVENT } from "../events/events.js";
import { type HostTiming, measure } from "../results/timing.js";
import { CodeGuest } from "../scenario/code/guest.js";
import type { CellConfig } from "../scenario/config.js";
import { findHostWorkload } from "../scenario/host/workload.js";
import { prepareCell, runCell } from "../scenario/run-cell.js";
import type { TimingReply, TimingRequest } from "./host-timing.js";

const MS_PER_SECOND = 1000;
const US_PER_SECOND = 1_000_000;

interface Measured {
  readonly timing: HostTiming;
  readonly references?: number;
  readonly instructions?: number;
}

process.once("message", (request: TimingRequest) => {
  void answer(request).then((reply) => process.send!(reply, () => process.disconnect()));
});

async function answer(request: TimingRequest): Promise<TimingReply> {
  try {
    const measured = await measuredBy(request.config)(request);
    return {
      ...measured,
      clock: request.clock ?? "wall",
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Seconds since some moment, by the clock that the request names. */
function clockOf({ clock }: TimingRequest): () => number {
  if (clock !== "processor") return () => performance.now() / MS_PER_SECOND;
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / US_PER_SECOND;
  };
}

/** By what the cell is: code, a host with instances, or a reference stream. */
function measuredBy({ code, workload }: CellConfig): (request: TimingRequest) => Promise<Measured> {
  if (code !== undefined) return ofCode;
  return findHostWorkload(workload) === undefined ? ofReferences : ofHost;
}

/** A host, from nothing to its row. */
async function ofHost(request: TimingRequest): Promise<Measured> {
  const { config, samples, warmup } = request;
  const now = clockOf(request);
  const timing = await measure(
    () => {
      const begin = now();
      runCell(config);
      return now() - begin;
    },
    { samples, warmup },
  );
  return { timing };
}

async function ofReferences(request: TimingRequest): Promise<Measured> {
  const { config, samples, warmup } = request;
  const now = clockOf(request);
  const cell = prepareCell(config);
  let runs = 0;
  const timing = await measure(
    () => {
      runs++;
      const begin = now();
      cell.run();
      return now() - begin;
    },
    { samples, warmup },
  );
  return { timing, references: cell.machine.counters.events[EVENT.references]! / runs };
}

async function ofCode(request: TimingRequest): Promise<Measured> {
  const { config, samples, warmup } = request;
  const now = clockOf(request);
  let instructions = 0;
  const timing = await measure(
    () => {
      let begin = 0;
      let end: number | undefined;
      const guest = new CodeGuest(config, {
        begin: () => {
          begin = now();
        },
        end: () => {
          end = now();
          guest.computer.stop();
        },
      });
      begin = now(); // for code without marks
      guest.run();
      const seconds = (end ?? now()) - begin;
      instructions = guest.region.instructions;
      return seconds;
    },
    { samples, warmup },
  );
  return { timing, instructions };
}
