/**
 * Random programs of a guest: what its processes do to their memory, as plain data, and a runner that makes a guest do
 * it. What makes no sense in a program's state (to unmap where nothing is mapped) is skipped, so that every list of
 * operations is a program, and a failing one shrinks.
 */
import fc from "fast-check";
import { GuestFailure } from "../../guest/kernel/guest-failure.js";
import type { GuestKernel } from "../../guest/kernel/kernel.js";
import type { Process } from "../../guest/kernel/process.js";
import { type Gva, highHalf, lowHalf } from "../../machine/address.js";
import type { PagingFormat } from "../../machine/mmu/format.js";

export type Operation =
  | {
      readonly do: "mmap";
      readonly pages: number;
      readonly large: boolean;
      readonly populate: boolean;
      readonly writable: boolean;
    }
  | {
      readonly do: "munmap" | "protect" | "allow";
      readonly area: number;
      readonly from: number;
      readonly pages: number;
    }
  | {
      readonly do: "touch";
      readonly area: number;
      readonly from: number;
      readonly step: number;
      readonly count: number;
      readonly write: boolean;
    }
  | { readonly do: "trespass"; readonly area: number; readonly from: number }
  | { readonly do: "spawn" | "fork" }
  | { readonly do: "exit" | "switch" | "scan"; readonly process: number };

/** @param large whether programs map large pages too. */
export function randomProgram(large: boolean, maxLength: number): fc.Arbitrary<Operation[]> {
  const some = fc.nat(9);
  const pages = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 30, max: 50 }));
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("mmap" as const),
        pages,
        large: large ? fc.boolean() : fc.constant(false),
        populate: fc.boolean(),
        writable: fc.nat(4).map((n) => n > 0),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom("munmap" as const, "protect" as const, "allow" as const),
        area: some,
        from: fc.nat(20),
        pages,
      }),
    },
    {
      weight: 9,
      arbitrary: fc.record({
        do: fc.constant("touch" as const),
        area: some,
        from: fc.nat(20),
        step: fc.integer({ min: 1, max: 7 }),
        count: fc.integer({ min: 1, max: 12 }),
        write: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("trespass" as const), area: some, from: fc.nat(20) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom("spawn" as const, "fork" as const, "fork" as const) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom("exit" as const, "switch" as const, "switch" as const, "scan" as const),
        process: some,
      }),
    },
  );
  return fc.array(operation, { minLength: Math.ceil(maxLength / 2), maxLength, size: "max" });
}

/** What a program needs of the guest that it runs on, besides the kernel. */
export interface ProgramGuest {
  readonly kernel: GuestKernel;
  /** Called after each page that the program touched, with what was touched. */
  touched(va: Gva, write: boolean): void;
  /** Called after each operation. */
  settled(operation: Operation): void;
}

const MOST_PROCESSES = 6;
/** Large pages in one process: beyond them none is mapped, though two may come at once. */
const MOST_LARGE = 4;

/** Runs a program. `format` decides what a large page is. */
export function runProgram(program: readonly Operation[], format: PagingFormat, guest: ProgramGuest): void {
  const { kernel } = guest;
  kernel.switchTo(kernel.spawn());
  for (const operation of program) {
    runOperation(operation, format, guest);
    guest.settled(operation);
  }
}

/** Reads every mapped page of every process: what a program's end leaves. */
export function readEverything(guest: ProgramGuest): void {
  const { kernel } = guest;
  for (const process of kernel.processes) {
    kernel.switchTo(process);
    for (const { start, end, pageBytes } of process.areas.list) {
      for (let va = start; va < end; va += pageBytes) touch(guest, va, false);
    }
  }
}

function runOperation(operation: Operation, format: PagingFormat, guest: ProgramGuest): void {
  const { kernel } = guest;
  const processAt = (index: number): Process => kernel.processes[index % kernel.processes.length]!;
  const { list } = kernel.current.areas;
  switch (operation.do) {
    case "mmap": {
      const { pages, populate, writable, large } = operation;
      const page = large ? (format.leafLevel["4M"] === undefined ? "2M" : "4M") : "4K";
      const bytes = large ? (1 + (pages % 2)) * 2 ** format.shifts[2]! : pages * 4096;
      // Large pages are few, so that every process can have a copy of each.
      const mapped = list.reduce((sum, area) => sum + (area.pageBytes > 4096 ? area.end - area.start : 0), 0);
      if (large && mapped >= MOST_LARGE * 2 ** format.shifts[2]!) return;
      kernel.mmap(bytes, { page, populate, writable });
      return;
    }
    case "munmap":
    case "protect":
    case "allow": {
      const area = list[operation.area % Math.max(1, list.length)];
      if (area === undefined) return;
      const start = area.start + ((operation.from * area.pageBytes) % (area.end - area.start));
      const bytes = Math.min(operation.pages * area.pageBytes, area.end - start);
      if (operation.do === "munmap") kernel.munmap(start, bytes);
      else kernel.protect(start, bytes, operation.do === "allow");
      return;
    }
    case "touch": {
      const area = list[operation.area % Math.max(1, list.length)];
      if (area === undefined || (operation.write && !area.writable)) return;
      for (let i = 0; i < operation.count; i++) {
        // Within a large page too, not only at its start.
        const offset = (operation.from + i * operation.step) * (area.pageBytes > 4096 ? 37 * 4096 : 4096);
        touch(guest, area.start + (offset % (area.end - area.start)), operation.write);
      }
      return;
    }
    case "trespass": {
      // Forbidden: a write where only reads are allowed, or any access to what was unmapped last.
      const area = list.filter(({ writable }) => !writable)[operation.area % 3];
      if (area !== undefined) {
        trespass(guest, area.start + ((operation.from * area.pageBytes) % (area.end - area.start)), true);
      }
      const free = kernel.layout.userStart + operation.from * 4096 + operation.area * 16 * 4096;
      if (kernel.current.areas.find(free) === undefined) trespass(guest, free, false);
      return;
    }
    case "spawn":
      if (kernel.processes.length < MOST_PROCESSES) kernel.switchTo(kernel.spawn());
      return;
    case "fork":
      if (kernel.processes.length < MOST_PROCESSES) kernel.fork();
      return;
    case "exit": {
      const process = processAt(operation.process);
      const isCurrent = process === kernel.current;
      kernel.exit(process);
      if (isCurrent) kernel.switchTo(kernel.processes[0] ?? kernel.spawn());
      return;
    }
    case "switch":
      kernel.switchTo(processAt(operation.process));
      return;
    case "scan":
      kernel.scanAccessed(processAt(operation.process));
      return;
  }
}

function touch(guest: ProgramGuest, va: Gva, write: boolean): void {
  const refs = Int32Array.of((lowHalf(va) & ~7) | (write ? 1 : 0), highHalf(va));
  guest.kernel.user(refs, 1);
  guest.touched(va, write);
}

/** An access that must end in the guest's segmentation fault. */
function trespass({ kernel }: ProgramGuest, va: Gva, write: boolean): void {
  try {
    kernel.user(Int32Array.of((lowHalf(va) & ~7) | (write ? 1 : 0), highHalf(va)), 1);
  } catch (error) {
    if (error instanceof GuestFailure) return;
    throw error;
  }
  throw new Error(`a forbidden ${write ? "write" : "read"} of 0x${va.toString(16)} was let through`);
}
