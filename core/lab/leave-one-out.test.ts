/** Leaving a publication out: what its constants become, and that its figures come from those. */
import { expect, test } from "vitest";
import { findProfile } from "../events/profiles/index.js";
import { hostConstants } from "../scenario/constants.js";
import { publishedFigures } from "../scenario/figures/published.js";
import { figureRows, figuresOf, loadScenario, type Plan, planScenario } from "../scenario/index.js";
import { leaveOneOut } from "./leave-one-out.js";
import { rowsUnder } from "./trials.js";
import { constantsSet, standIn, withoutPaper } from "./without-paper.js";

/** A VMCALL and a CPUID on one processor: three figures of two papers, from which one price was set, and one of another. */
const SCENARIO = `
size: tiny
machine: { memory: 8MiB, caches: "off", profile: skylake-2015 }
technique: hardware/nested
matrix: { workload: [exit/vmcall, exit/cpuid] }
figures:
  - { published: kvm-luto17-vmcall-after, value: cycles / exits, where: workload == 'exit/vmcall', fitted: [costs.monitor_dispatch] }
  - { published: kvm-luto17-cpuid-after, value: cycles / exits, where: workload == 'exit/cpuid', fitted: [costs.emulate_register] }
  - { published: amit17-hypercall-a, value: cycles / exits, where: workload == 'exit/vmcall', fitted: [costs.monitor_dispatch] }
`;
const KVM = publishedFigures().get("kvm-luto17-vmcall-after")!.paper;
const AMIT = publishedFigures().get("amit17-hypercall-a")!.paper;
const ONE_WORKER = { workers: 1 };

function plan(): Plan {
  return planScenario(loadScenario({ text: SCENARIO, path: "test.yaml" }));
}

test("a constant is refitted to the figures of others, through the model; else another processor's stands in", async () => {
  const own = plan();
  const replaced = (await withoutPaper(constantsSet([own]), KVM, ONE_WORKER))!;
  const dispatch = replaced.find(({ name }) => name === "costs.monitor_dispatch")!;
  expect(dispatch.from).toBe("refitted to amit17-hypercall-a");
  const rows = (await rowsUnder(
    own,
    (name) => (name === "costs.monitor_dispatch" ? dispatch.value : undefined),
    ONE_WORKER,
  ))!;
  const amit = figureRows(figuresOf(own, rows))[2]!;
  expect(amit["factor"]).toBeLessThan(1.002);
  const emulate = replaced.find(({ name }) => name === "costs.emulate_register")!;
  expect(emulate.from).toMatch(/^as \S+ has it$/);
  expect(emulate.value).not.toBe(emulate.constant.value);
});

test("the left-out publication's figures come out of the refitted constants, the others' stay as they were", async () => {
  const own = plan();
  const figures = figureRows(figuresOf(own, (await rowsUnder(own, undefined, ONE_WORKER))!));
  const found = (await leaveOneOut([{ plan: own, figures }], ONE_WORKER))!;
  expect(found.map(({ paper }) => paper)).toEqual([KVM, AMIT]);
  const [vmcall, cpuid] = found[0]!.figures;
  expect(vmcall!.row["factor"]).toBeLessThan(1.02);
  // Amit & Wei's hypercall is another: KVM's figure comes out as theirs, on this one processor.
  const amit = publishedFigures().get("amit17-hypercall-a")!.value.low;
  expect(Number(vmcall!.without["ours"]) / amit).toBeCloseTo(1, 2);
  expect(cpuid!.without["ours"]).not.toBe(cpuid!.row["ours"]);
  expect(found[1]!.constants.map(({ from }) => from)).toEqual(["refitted to kvm-luto17-vmcall-after"]);
});

test("rules for what stands in: a processor near by, the middle of the range, or nothing", () => {
  const fork = findProfile("prescott-2005")!.costs.kernel_fork;
  expect(standIn("costs.kernel_fork", fork, new Set([fork]))).toEqual({
    value: findProfile("merom-2006")!.costs.kernel_fork.value,
    from: "as merom-2006 has it",
  });
  const client = hostConstants().get("start.client")!;
  const [low, high] = client.range!;
  const middle = standIn("start.client", client, new Set([client]));
  expect(middle.value).toBeCloseTo(Math.sqrt(low * high), 6);
  const { range: _, ...bare } = client;
  expect(standIn("start.client", bare, new Set()).value).toBe(client.value);
});
