/** Do neighbours of a guest's memory stay neighbours in the host's, each frame given once, and counted when it is? */
import { expect, it } from "vitest";
import { OWNER } from "../../events/memory-owners.js";
import { Frames } from "../../machine/frames.js";
import { HostRuns } from "./host-runs.js";

const RUN = 512;

it("places guest frames as the guest has them, and counts them one by one", () => {
  const frames = new Frames(4 * RUN, 4 * RUN);
  frames.takeBacked(OWNER.monitor_maps);
  const runs = new HostRuns(frames);
  const first = runs.take(RUN + 7, OWNER.guest_memory);
  expect(first % RUN).toBe(7);
  expect(runs.take(RUN + 9, OWNER.guest_memory)).toBe(first + 2);
  expect(runs.take(3, OWNER.guest_memory) % RUN).toBe(3);
  expect(frames.owned[OWNER.guest_memory]).toBe(3);
});

it("gives a frame that came back to whoever is next, and its guest another", () => {
  const frames = new Frames(2 * RUN, 2 * RUN);
  const runs = new HostRuns(frames);
  const host = runs.take(5, OWNER.guest_memory);
  frames.give(OWNER.guest_memory, host);
  expect(frames.takeBacked(OWNER.monitor_maps)).toBe(host);
  expect(runs.take(5, OWNER.guest_memory)).not.toBe(host);
});

it("takes any frames where no run is left", () => {
  const frames = new Frames(RUN - 1, RUN - 1);
  const runs = new HostRuns(frames);
  const taken = new Set([0, 1, 2].map((gfn) => runs.take(gfn, OWNER.guest_memory)));
  expect(taken.size).toBe(3);
});
