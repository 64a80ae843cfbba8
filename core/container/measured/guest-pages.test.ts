/**
 * The model's guests beside a measured one: what part of two equal idle guests' pages sharing could give back. The measured guest is a
 * distribution's kernel with an initial file system and nothing else, of which much is equal; the model's have services
 * besides, whose memory is private. Within a factor of two, and on the side of less sharing.
 */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { findApplication } from "../../host/applications/index.js";
import { Host } from "../../host/host.js";
import { Instance } from "../../host/instances/instance.js";
import { findTechnology } from "../../host/instances/technologies.js";
import { ledgerOf } from "../../host/memory/snapshot.js";
import { GIB } from "../../util/units.js";
import { MACHINE, MEASURED } from "./guest-pages.js";

const { zero, "equal-across": across } = MEASURED;
/** Pages that hold zeros, and of the others those that the other guest has too. */
const MEASURED_SHARE = zero.p50 + (1 - zero.p50) * across.p50;

describe.each(["microvm", "vm"])("two idle guests of the technology %s", (technology) => {
  it(`have half as much in common as two of ${MACHINE}, or more, and not more than these`, () => {
    const host = new Host({
      profile: findProfile("skylake-2015")!,
      memory: 4 * GIB,
      swap: 0,
      processors: 1,
      threadsPerCore: 1,
      scheduler: "fair",
      disk: "nvme",
      linkBandwidth: 1e9,
    });
    const options = { image: 0, isMergeable: true, isHuge: false };
    for (let i = 0; i < 2; i++)
      new Instance(host, findApplication("idle")!, findTechnology(technology)!, options);
    const { categories, duplicate } = ledgerOf(host.memory);
    const share = (2 * duplicate) / (categories.guest + categories.guestSystem);
    expect(MEASURED_SHARE / share).toBeLessThan(2);
    expect(share).toBeLessThan(MEASURED_SHARE);
  });
});
