import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import { REF_FETCH, REF_WRITE } from "../../machine/address.js";
import { PAGING_FORMATS, type PagingName } from "../../machine/mmu/format.js";
import { defaultOf, type ParameterValues } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { MIB, type PageSizeName } from "../../util/units.js";
import { GuestKernel } from "../kernel/kernel.js";
import { guestMemoryFor } from "../kernel/sizing.js";
import { audit } from "../testing/audit.js";
import { FakeXen } from "../testing/fake-xen.js";
import { FlatVcpu } from "../testing/flat-vcpu.js";
import { findWorkload, WORKLOADS } from "./index.js";
import type { WorkloadDefinition } from "./workload.js";

interface Run {
  readonly cpu: FlatVcpu;
  readonly kernel: GuestKernel;
  /** User references of the measured region, as the vcpu saw them. */
  readonly refs: { va: number; kind: number }[];
}

/** Runs a workload on the plain vcpu, with parameters small enough for it. */
function run(
  workload: WorkloadDefinition,
  overrides: Record<string, number | string> = {},
  options: { paging?: PagingName; page?: PageSizeName; xen?: boolean; pcid?: boolean; seed?: number } = {},
): Run {
  const { paging = "4-level", page = "4K", xen = false, pcid = false, seed = 1 } = options;
  const parameters = {
    ...Object.fromEntries(
      Object.entries(workload.parameters).map(([k, spec]) => [k, defaultOf(spec, "tiny")]),
    ),
    ...overrides,
  } as ParameterValues<WorkloadDefinition["parameters"]>;
  const footprint = workload.footprint(parameters, page);
  const cpu = new FlatVcpu({
    paging,
    ...guestMemoryFor(footprint, PAGING_FORMATS[paging], page, !xen),
    features: { pcid, largePages: !xen },
    remembersTranslations: true,
  });
  if (xen) new FakeXen(cpu, 0x2545f491);
  const kernel = new GuestKernel(cpu, { pcid });
  kernel.boot();
  const refs: Run["refs"] = [];
  const instance = workload.create({ kernel, parameters, page, random: new Random(seed) });
  instance.prepare();
  cpu.counters.reset();
  const user = kernel.user.bind(kernel);
  kernel.user = (batch, count, from = 0) => {
    for (let i = from; i < count; i++) {
      refs.push({ va: batch[2 * i + 1]! * 2 ** 32 + ((batch[2 * i]! & ~7) >>> 0), kind: batch[2 * i]! & 7 });
    }
    user(batch, count, from);
  };
  instance.run();
  return { cpu, kernel, refs };
}

const SMALL: Record<string, Record<string, number>> = {
  sequential: { footprint: MIB, references: 9_000 },
  strided: { footprint: MIB, references: 9_000 },
  gups: { footprint: MIB, updates: 4_000 },
  "pointer-chase": { footprint: MIB, references: 9_000 },
  zipf: { footprint: MIB, references: 9_000 },
  "demand-zero": { footprint: MIB, rounds: 2 },
  forkwait: { footprint: MIB, forks: 3 },
  "context-switch": { processes: 9, workingSet: 8192, switches: 30 },
  "page-table-churn": { rounds: 40 },
  mix: {
    footprint: MIB,
    code: 65_536,
    processes: 3,
    references: 9_000,
    systemCallEvery: 100,
    faultEvery: 200,
    switchEvery: 500,
    forkEvery: 3_000,
  },
};

const workloadNamed = (name: string): WorkloadDefinition => findWorkload(name)!;

describe.each(WORKLOADS.map((workload) => [workload.name, workload] as const))("%s", (name, workload) => {
  it("runs in every format within its stated footprint, and ends the same natively and under Xen", () => {
    for (const paging of ["32-bit", "pae", "4-level", "5-level"] as const) {
      const native = run(workload, SMALL[name]!, { paging });
      const xen = run(workload, SMALL[name]!, { paging, xen: true });
      audit(native.kernel, native.cpu);
      expect(xen.kernel.fingerprint()).toBe(native.kernel.fingerprint());
      expect(xen.refs).toEqual(native.refs);
    }
  });

  it("runs with large pages and with PCIDs", () => {
    const large = run(workload, { ...SMALL[name]!, footprint: 5 * MIB }, { page: "2M" });
    audit(large.kernel, large.cpu);
    const plain = run(workload, SMALL[name]!);
    const pcid = run(workload, SMALL[name]!, { pcid: true });
    expect(pcid.kernel.fingerprint()).toBe(plain.kernel.fingerprint());
  });

  it("is decided by its seed", () => {
    const first = run(workload, SMALL[name]!);
    expect(run(workload, SMALL[name]!).refs).toEqual(first.refs);
    expect(first.refs.length).toBeGreaterThan(0);
  });

  it("declares a default within bounds for every parameter and size", () => {
    for (const spec of Object.values(workload.parameters)) {
      for (const size of ["tiny", "small", "full"] as const) {
        const value = defaultOf(spec, size);
        if ("minimum" in spec && spec.minimum !== undefined)
          expect(value).toBeGreaterThanOrEqual(spec.minimum);
        if ("maximum" in spec && spec.maximum !== undefined) expect(value).toBeLessThanOrEqual(spec.maximum);
      }
    }
  });
});

describe("patterns", () => {
  const start = 0x1000_0000;

  it("sequential goes word by word and begins again at the end", () => {
    const { refs } = run(workloadNamed("sequential"), { footprint: 8192, references: 2_500 });
    const at = refs.findIndex(({ va }) => va === start);
    expect(refs.slice(at, at + 1024).map(({ va }) => va)).toEqual(
      Array.from({ length: 1024 }, (_, i) => start + 8 * i),
    );
    expect(refs[at + 1024]!.va).toBe(start);
  });

  it("strided makes the same references whether replayed or generated", () => {
    const stride = 4096 + 64;
    const bytes = 40 * MIB;
    const generated = run(workloadNamed("strided"), { footprint: bytes, stride: 32, references: 5_000 });
    const replayed = run(workloadNamed("strided"), { footprint: bytes, stride, references: 5_000 });
    const steps = (refs: Run["refs"]): Set<number> =>
      new Set(refs.slice(1).map(({ va }, i) => va - refs[i]!.va));
    expect([...steps(generated.refs)]).toEqual([32]);
    expect(steps(replayed.refs).has(stride)).toBe(true);
  });

  it("gups reads and writes back the same word, spread evenly", () => {
    const { refs } = run(workloadNamed("gups"), { footprint: 16 * 4096, updates: 16_000 });
    const perPage = new Array<number>(16).fill(0);
    for (let i = 0; i < refs.length; i += 2) {
      expect(refs[i + 1]).toEqual({ va: refs[i]!.va, kind: REF_WRITE });
      perPage[Math.floor((refs[i]!.va - start) / 4096)]!++;
    }
    // 1,000 expected; five standard deviations are 153.
    for (const count of perPage) expect(Math.abs(count - 1000)).toBeLessThan(153);
  });

  it.each([64, 4096])("pointer-chase visits every node of %i bytes once in a cycle", (node) => {
    const bytes = 100 * 4096;
    const nodes = bytes / node;
    const { refs } = run(workloadNamed("pointer-chase"), { footprint: bytes, node, references: 2 * nodes });
    const cycle = refs.slice(0, nodes).map(({ va }) => va);
    expect(new Set(cycle.map((va) => Math.floor(va / node))).size).toBe(nodes);
    expect(refs.slice(nodes).map(({ va }) => va)).toEqual(cycle);
    const neighbours = cycle.filter((va, i) => i > 0 && Math.abs(va - cycle[i - 1]!) <= node).length;
    expect(neighbours).toBeLessThan(nodes / 10);
  });

  it("zipf gives the most popular page its share, and writes as stated", () => {
    const { refs } = run(workloadNamed("zipf"), { footprint: 1000 * 4096, exponent: 1, references: 40_000 });
    const counts = new Map<number, number>();
    for (const { va } of refs) counts.set(va >> 12, (counts.get(va >> 12) ?? 0) + 1);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    const harmonic = Array.from({ length: 1000 }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b);
    // 5,343 and 2,672 expected; five standard deviations are 340 and 250.
    expect(Math.abs(sorted[0]! - 40_000 / harmonic)).toBeLessThan(340);
    expect(Math.abs(sorted[1]! - 20_000 / harmonic)).toBeLessThan(250);
    const writes = refs.filter(({ kind }) => kind === REF_WRITE).length;
    expect(Math.abs(writes - 8_000)).toBeLessThan(400);
  });

  it("demand-zero faults once for each page", () => {
    const { cpu } = run(workloadNamed("demand-zero"), { footprint: 100 * 4096, rounds: 3 });
    expect(cpu.counters.events[EVENT.guest_page_faults]).toBe(300);
    expect(cpu.counters.events[EVENT.guest_zeroed]).toBe(300);
  });

  it("forkwait copies each page that a child writes, and the parent's stay", () => {
    const { cpu, kernel } = run(workloadNamed("forkwait"), { footprint: 64 * 4096, touched: 5, forks: 4 });
    expect(cpu.counters.events[EVENT.guest_copies]).toBe(20);
    expect(cpu.counters.events[EVENT.guest_forks]).toBe(4);
    expect(kernel.dataFrames.inUse).toBe(64);
  });

  it("context-switch switches as often as stated", () => {
    const { cpu } = run(workloadNamed("context-switch"), { processes: 3, workingSet: 8192, switches: 10 });
    expect(cpu.counters.events[EVENT.guest_switches]).toBe(10);
    expect(cpu.counters.events[EVENT.references]).toBe(10 * 128);
  });

  it("mix keeps its proportions", () => {
    const { cpu, refs } = run(workloadNamed("mix"), { ...SMALL["mix"]!, forkEvery: 3_000, fetchEvery: 5 });
    const { events } = cpu.counters;
    expect(events[EVENT.guest_forks]).toBe(3);
    expect(events[EVENT.guest_switches]).toBe(9_000 / 500 + 2 * 3);
    expect(refs.filter(({ kind }) => kind === REF_FETCH).length / 9_000).toBeCloseTo(0.2, 1);
  });
});
