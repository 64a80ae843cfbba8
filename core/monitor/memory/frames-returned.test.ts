/**
 * Do the monitors' tables give their frames back? What a technique keeps must follow from what the guest has, not from
 * what it had: bounded by a limit where one is set, gone where shadows are not kept, and never growing with churn.
 */
import { describe, expect, it } from "vitest";
import { OWNER } from "../../events/memory-owners.js";
import { type Gva, highHalf, lowHalf } from "../../machine/address.js";
import { bootLabGuest, type LabGuest, type TestTechnique } from "../testing/lab-guests.js";
import { auditShadow } from "../testing/shadow-audit.js";
import type { ShadowVcpu } from "./shadow/vcpu.js";

const SHADOW = {
  name: "shadow",
  hostOrder: 0,
  vpid: true,
  populate: false,
  eager: false,
  outOfSync: true,
  reuse: true,
  maximumTables: 0,
  writeFlood: 3,
} as const;

function touch({ kernel }: LabGuest, start: Gva, pages: number): void {
  const refs = new Int32Array(2 * pages);
  for (let i = 0; i < pages; i++) {
    refs[2 * i] = (lowHalf(start + i * 4096) & ~7) | 1;
    refs[2 * i + 1] = highHalf(start + i * 4096);
  }
  kernel.user(refs, pages);
}

/** Forks a child that writes, and ends it; the parent runs afterwards. */
function forkOnce(guest: LabGuest, start: Gva, pages: number): void {
  const { kernel } = guest;
  const parent = kernel.current;
  const child = kernel.fork();
  kernel.switchTo(child);
  touch(guest, start, pages);
  kernel.switchTo(parent);
  kernel.exit(child);
}

function boot(technique: TestTechnique): { guest: LabGuest; start: Gva } {
  const guest = bootLabGuest("4-level", technique);
  guest.kernel.switchTo(guest.kernel.spawn());
  const start = guest.kernel.mmap(600 * 4096);
  touch(guest, start, 600);
  return { guest, start };
}

describe("shadow tables", () => {
  const shadowFrames = ({ machine }: LabGuest): number => machine.frames.owned[OWNER.shadow_tables]!;

  it.each([false, true])("do not grow with processes that come and go; out of sync: %s", (outOfSync) => {
    const { guest, start } = boot({ ...SHADOW, outOfSync });
    for (let round = 0; round < 3; round++) forkOnce(guest, start, 600);
    const after = shadowFrames(guest);
    for (let round = 0; round < 12; round++) forkOnce(guest, start, 600);
    expect(shadowFrames(guest)).toBe(after);
  });

  it("follow the guest's tables: one for each at most, and splits of the direct map", () => {
    const { guest } = boot(SHADOW);
    const { kernel, vcpu } = guest;
    const directMap = Math.ceil(vcpu.memory.frames / 512);
    expect(shadowFrames(guest)).toBeLessThanOrEqual(kernel.tableFrames.inUse + directMap);
    expect(shadowFrames(guest)).toBeGreaterThan(4);
  });

  it("are those of the running address space alone where they are not kept", () => {
    const { guest, start } = boot({ ...SHADOW, reuse: false });
    const alone = shadowFrames(guest);
    forkOnce(guest, start, 600);
    // After the switch back, only what the parent has touched since is shadowed.
    expect(shadowFrames(guest)).toBeLessThanOrEqual(alone);
    const { kernel } = guest;
    const vcpu = guest.vcpu as ShadowVcpu;
    for (const process of kernel.processes) {
      const isShadowed = vcpu.tables.find(process.root, 4) !== undefined;
      expect(isShadowed).toBe(process === kernel.current);
    }
  });

  it.each([20, 40])("stay within a limit of %i", (maximumTables) => {
    const { guest, start } = boot({ ...SHADOW, maximumTables });
    for (let round = 0; round < 4; round++) {
      forkOnce(guest, start, 600);
      expect(shadowFrames(guest)).toBeLessThanOrEqual(maximumTables);
    }
    expect(guest.machine.frames.peak[OWNER.shadow_tables]).toBeLessThanOrEqual(maximumTables);
    const { kernel } = guest;
    auditShadow(
      guest.vcpu as ShadowVcpu,
      kernel.processes.map(({ root }) => ({ root, isRunning: true })),
    );
  });

  it("all come back when all are dropped", () => {
    const { guest } = boot(SHADOW);
    const vcpu = guest.vcpu as ShadowVcpu;
    vcpu.tables.dropAll();
    expect(shadowFrames(guest)).toBe(0);
    expect([...vcpu.tables.all]).toEqual([]);
  });
});

describe("guest memory", () => {
  it.each<[string, TestTechnique]>([
    [
      "nested",
      {
        name: "nested",
        format: "ept",
        levels: 4,
        hostOrder: 0,
        vpid: true,
        accessedDirty: true,
        populate: false,
      },
    ],
    ["shadow", SHADOW],
  ])("%s gives on first touch, and once for each guest frame", (_, technique) => {
    const { guest, start } = boot(technique);
    const owned = (): number => guest.machine.frames.owned[OWNER.guest_memory]!;
    forkOnce(guest, start, 600);
    const after = owned();
    const { tableFrames, dataFrames } = guest.kernel;
    expect(after).toBeLessThanOrEqual(tableFrames.peak + dataFrames.peak + 2);
    for (let round = 0; round < 5; round++) forkOnce(guest, start, 600);
    expect(owned()).toBe(after);
  });

  it("a paravirtual guest has all of it from the start, and the maps beside it", () => {
    const { guest } = boot({ name: "paravirtual", batch: 32 });
    const { owned } = guest.machine.frames;
    const { frames } = guest.vcpu.memory;
    expect(owned[OWNER.guest_memory]).toBe(frames);
    expect(owned[OWNER.monitor_maps]).toBe(2 * Math.ceil((frames * 8) / 4096));
    expect(owned[OWNER.shadow_tables]! + owned[OWNER.nested_tables]!).toBe(0);
  });
});
