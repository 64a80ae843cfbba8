/** What a guest as traced from the command line never meets: its kernel touches each page before its user does. */
import { describe, expect, it } from "vitest";
import { GuestKernel } from "../guest/kernel/kernel.js";
import { lowHalf } from "../machine/address.js";
import type { WalkObserver } from "../machine/mmu/traced-walkers.js";
import { assemble } from "./assemble.js";
import { usualCell } from "./trace-choice.js";
import { Recorder } from "./trace-recorder.js";
import { TracedVcpu } from "./trace-vcpu.js";

function lab() {
  let observer: WalkObserver = () => {};
  const config = usualCell({ technique: "hardware/nested", profile: "haswell-2013" });
  const footprint = { dataBytes: 1 << 20, processes: 1, mappedBytes: 1 << 20 };
  const { machine, vcpu } = assemble(config, footprint, { observer: (reference) => observer(reference) });
  const recorder = new Recorder(machine, vcpu);
  observer = (reference) => recorder.observe(reference);
  const kernel = new GuestKernel(new TracedVcpu(vcpu, recorder), { pcid: false });
  kernel.boot();
  kernel.switchTo(kernel.spawn());
  const va = kernel.mmap(1 << 20, { populate: true });
  const record = (kind: "read" | "write") =>
    recorder.record(va, kind, () =>
      kernel.user(Int32Array.of(lowHalf(va) | (kind === "write" ? 1 : 0), 0), 1),
    );
  return { machine, record };
}

describe("a user access", () => {
  it("that finds no host page: violation, exit, and another walk", () => {
    const { machine, record } = lab();
    const leaf = record("read").steps.findLast((step) => step.kind === "reference")!;
    expect([leaf.dimension, leaf.level]).toEqual(["host", 1]);
    machine.ram.fill(0, Number(leaf.address) / 4, Number(leaf.address) / 4 + 2);
    machine.mmu.invalidateNested();
    const { steps } = record("read");
    const kinds = steps.map(({ kind }) => kind).filter((kind) => kind !== "reference" && kind !== "shortcut");
    const violation = kinds.indexOf("stop");
    expect(kinds.slice(violation, violation + 4)).toEqual(["stop", "exit", "lookup", "walk"]);
    expect(steps.find((step) => step.kind === "stop")).toMatchObject({ why: "violation" });
    expect(steps.find((step) => step.kind === "exit")?.work.exits).toMatchObject([
      { reason: "ept_violation", count: 1 },
    ]);
    // The first write to the new page's clean EPT entry sets its D bit.
    expect(steps.filter((step) => step.kind === "bits")).toMatchObject([{ dimension: "host", entries: 1 }]);
    const write = record("write").steps;
    expect(write[0]).toMatchObject({ kind: "lookup", l1: "refused" });
    expect(write.filter((step) => step.kind === "bits")).toMatchObject([{ dimension: "host", entries: 1 }]);
  });

  it("that a first-level TLB refuses or misses says so", () => {
    const { record } = lab();
    record("read");
    expect(record("read").steps[0]).toMatchObject({ kind: "lookup", l1: "hit", cycles: 0 });
  });
});
