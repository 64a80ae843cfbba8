/**
 * The process that measures the host time of one cell's region of interest: one request from its parent, one reply, and it
 * ends (host-timing.ts). The machine is booted and prepared once, which is not measured; then the region runs over and over,
 * each time from where the last ended, so that memory is one machine's and every sample does the same kind of work.
 */
import { EVENT } from "../events/events.js";
import { measure } from "../results/timing.js";
import { prepareCell } from "../scenario/run-cell.js";
import type { TimingReply, TimingRequest } from "./host-timing.js";

process.once("message", (request: TimingRequest) => {
  void answer(request).then((reply) => process.send!(reply, () => process.disconnect()));
});

async function answer({ config, samples }: TimingRequest): Promise<TimingReply> {
  try {
    const cell = prepareCell(config);
    let runs = 0;
    const timing = await measure(
      () => {
        runs++;
        cell.run();
      },
      { samples },
    );
    const references = cell.machine.counters.events[EVENT.references]! / runs;
    return { timing, references, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
