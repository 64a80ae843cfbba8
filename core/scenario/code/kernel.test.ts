/** The mini-kernel's benchmarks as workloads: what a cell gives to the image, what its row has, and what cannot be. */
import { afterAll, describe, expect, it } from "vitest";
import { runCell } from "../run-cell.js";
import { unsupportedReason } from "../support.js";
import { KERNEL_WORKLOADS } from "./kernel.js";
import { GuestFolder } from "./testing/raw-guests.js";

const folder = new GuestFolder();
afterAll(() => folder.end());

const configOf = (text: string) =>
  folder.plan(`technique: native\nsize: tiny\nmachine: { memory: 64MiB }\n${text}`).cells[0]!.config;

describe("a cell", () => {
  it("sets parameters by the command line", () => {
    const { code, guest } = configOf(
      "workload: { name: kernel/context-switch, bits: 32, processes: 4, footprint: 16KiB, hz: 1000 }",
    );
    expect(code).toMatchObject({ kind: "multiboot", disk: undefined });
    expect(code!.append).toBe(
      "bench=context-switch n=10 processes=4 size=16384 entry=fast timer=pit sensitive=use fpu=lazy hz=1000 multicall=on tables=explicit batch=32",
    );
    expect(guest.paging).toBe("pae");
    expect(configOf("workload: kernel/forkwait").guest.paging).toBe("4-level");
  });

  it("has a disk where records are on one", () => {
    const disk = (storage: string) =>
      configOf(`workload: { name: kernel/database, storage: ${storage} }`).code!.disk?.name;
    expect(disk("ram")).toBeUndefined();
    expect(disk("dma")).toMatch(/disk\.img$/);
  });

  it("gives a row, with the same fingerprint on every machine", () => {
    const forkwait = "workload: { name: kernel/forkwait, bits: 32 }";
    const { status, values } = runCell(configOf(forkwait));
    expect(status).toBe("done");
    expect(values).toMatchObject({ exit_status: 0 });
    expect(values["guest_page_faults"]).toBeGreaterThan(0);
    const other = folder.plan(
      `technique: native\nsize: tiny\nmachine: { profile: zen-2-2019, tlb: false }\n${forkwait}`,
    );
    expect(runCell(other.cells[0]!.config).values["fingerprint"]).toBe(values["fingerprint"]);
  });
});

describe("what cannot be", () => {
  it.each([
    ["workload: { name: kernel/cr8wr, bits: 32 }", "MOV to CR8 is an instruction of 64-bit mode"],
    [
      "workload: { name: kernel/forkwait, bits: 32 }\nguest: { paging: 4-level }",
      "the 32-bit kernel has page tables of pae, not 4-level",
    ],
    ["workload: kernel/forkwait\npage: 2M", "the kernel maps what its processes use in 4K pages"],
  ])("%s", (text, reason) => {
    expect(unsupportedReason(configOf(text))).toBe(reason);
  });

  it.each([
    ["workload: { name: kernel/context-switch, processes: 17 }", "processes"],
    ["workload: { name: kernel/ticks, wait: run }", "wait"],
    ["workload: { name: kernel/forkwait, timer: sun }", "timer"],
    ["workload: kernel/forkwiat", '"kernel/forkwiat" is not valid here'],
  ])("%s is refused", (text, message) => {
    expect(() => configOf(text)).toThrow(message);
  });
});

it("every benchmark says what it is", () => {
  expect(new Set(KERNEL_WORKLOADS.map(({ name }) => name)).size).toBe(KERNEL_WORKLOADS.length);
  for (const { title, description } of KERNEL_WORKLOADS) {
    expect(title).not.toBe("");
    expect(description).toMatch(/\.$/);
  }
});
