/**
 * The process that measures the host time of one cell's region of interest: one request from its parent, one reply, and it
 * ends (host-timing.ts). Each sample runs a machine of its own, booted and prepared outside of the measured time.
 */
import { measure } from "../results/timing.js";
import { type PreparedCell, prepareCell } from "../scenario/run-cell.js";
import type { TimingReply, TimingRequest } from "./host-timing.js";

process.once("message", (request: TimingRequest) => {
  void answer(request).then((reply) => process.send!(reply, () => process.disconnect()));
});

async function answer({ config, samples }: TimingRequest): Promise<TimingReply> {
  try {
    let cell: PreparedCell | undefined;
    const prepare = (): void => {
      cell = prepareCell(config);
    };
    return { timing: await measure(() => cell!.run(), { samples, prepare }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
