/** The process that measures one cell's host time: one request from its parent, one reply, and it ends (host-timing.ts). */
import { measure } from "../results/timing.js";
import { runCell } from "../scenario/run-cell.js";
import type { TimingReply, TimingRequest } from "./host-timing.js";

process.once("message", (request: TimingRequest) => {
  void answer(request).then((reply) => process.send!(reply, () => process.disconnect()));
});

async function answer({ config, samples }: TimingRequest): Promise<TimingReply> {
  try {
    return { timing: await measure(() => void runCell(config), { samples }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
