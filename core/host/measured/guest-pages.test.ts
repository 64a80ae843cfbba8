/**
 * Two idle guests have in common what was measured of two real ones: of their kernels' image and data, and of what they freed. That
 * addresses are random takes half of what kernels have in common.
 */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { GIB } from "../../util/units.js";
import { findApplication } from "../applications/index.js";
import { PAGE_BYTES } from "../contracts.js";
import { Host } from "../host.js";
import { Instance } from "../instances/instance.js";
import { findTechnology } from "../instances/technologies.js";
import { ledgerOf } from "../memory/snapshot.js";
import { MEASURED } from "./guest-pages.js";

/** Bytes of two guests that one frame could hold for both. */
function commonBytes(technology: string, hasFixedAddresses: boolean): number {
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
  const options = { image: 0, isMergeable: true, isHuge: false, hasFixedAddresses };
  for (let i = 0; i < 2; i++)
    new Instance(host, findApplication("idle")!, findTechnology(technology)!, options);
  return ledgerOf(host.memory).duplicate * PAGE_BYTES;
}

/** Of an image's pages: zeros of both are one frame, what is equal is one for two. */
const ofImage = (addresses: "random" | "fixed"): { zero: number; equal: number } => {
  const zero = MEASURED[`${addresses}-image-zero`].p50;
  return { zero, equal: (1 - zero) * MEASURED[`${addresses}-image-equal`].p50 };
};

describe("what two guests of one image have in common", () => {
  it.each(["microvm", "vm"])("is of a %s more than its files, and less than all", (technology) => {
    const { guest } = findTechnology(technology)!;
    const all = guest!.kernelText.value + guest!.kernelData.value + guest!.freed.value;
    const files = guest!.serviceFiles.value + findApplication("idle")!.memory.files.value;
    const common = commonBytes(technology, false) - files;
    expect(common).toBeGreaterThan(0.4 * all);
    expect(common).toBeLessThan(1.3 * all); // zeros of one guest are equal among themselves, too
  });

  it("is, of a kernel's image, twice as much where addresses are fixed", () => {
    const [random, fixed] = [ofImage("random"), ofImage("fixed")];
    expect(fixed.equal / random.equal).toBeGreaterThan(1.7);
    const text = findTechnology("vm")!.guest!.kernelText.value;
    const gained = commonBytes("vm", true) - commonBytes("vm", false);
    expect(gained).toBeGreaterThan(0.9 * text * (fixed.equal - random.equal));
  });
});
