/** Multiboot 1: the header's search, flat and ELF kernels, the information structure, the entry state, refusals. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import type { BootPlan } from "./boot-plan.js";
import { buildElf, multibootHeader } from "./testing/images.js";
import { load, memory, refusal, text, u32, u64 } from "./testing/plans.js";

const ADDRESSES = 1 << 16;

/** A flat kernel: `before` bytes, the header, then code; loaded so that its first byte is at 1 MiB. */
function flat(
  before: number,
  flags = ADDRESSES,
  change: (addresses: number[]) => void = () => {},
): Uint8Array {
  const addresses = [MIB + before, MIB, 0, 0, MIB + before + 32];
  change(addresses);
  const header = multibootHeader(flags, addresses);
  const bytes = new Uint8Array(before + 64).fill(0x90);
  bytes.set(header, before);
  return bytes;
}

function elf(bits: 32 | 64, flags = 3): Uint8Array {
  const bytes = new Uint8Array(64).fill(0x90);
  bytes.set(multibootHeader(flags));
  return buildElf({ bits, entry: MIB + 32, segments: [{ physical: MIB, bytes, memorySize: 0x2000 }] }).bytes;
}

describe("kernels", () => {
  test("a flat kernel goes where its header says", () => {
    const image = flat(16);
    const plan = load(image);
    expect(plan.kind).toBe("multiboot");
    expect(memory(plan, MIB, image.length)).toEqual(image);
    expect(plan.start).toMatchObject({ mode: "protected", rip: MIB + 48 });
    expect(plan.start.registers.rax).toBe(0x2bad_b002);
    expect(plan.start.cr0 & 1).toBe(1);
    expect(plan.start.cr0 & 0x8000_0000).toBe(0);
  });

  test("load_end_addr cuts the file, bss_end_addr asks for zeros", () => {
    const plan = load(
      flat(0, ADDRESSES, (addresses) => {
        addresses[2] = MIB + 40;
        addresses[3] = MIB + 0x1000;
      }),
    );
    expect(memory(plan, MIB + 39, 2)).toEqual(Uint8Array.of(0x90, 0));
    expect(plan.zero).toEqual([{ physical: MIB + 40, length: 0x1000 - 40 }]);
  });

  test("load_addr may skip what lies before it in the file", () => {
    const image = flat(16, ADDRESSES, (addresses) => {
      addresses[1] = MIB + 8;
    });
    expect(memory(load(image), MIB + 8, image.length - 8)).toEqual(image.subarray(8));
  });

  test("the header is found up to 8 KiB, at multiples of 4, with a good checksum", () => {
    expect(load(flat(8192 - 32)).kind).toBe("multiboot");
    expect(refusal(flat(8192 - 8))).toContain("it is no guest image");
    expect(refusal(flat(18))).toContain("it is no guest image");
    const wrong = flat(0);
    wrong[8]! ^= 1;
    expect(refusal(wrong)).toContain("it is no guest image");
    const second = new Uint8Array(128);
    second.set(wrong);
    second.set(
      flat(0, ADDRESSES, (addresses) => {
        addresses[0] = MIB + 64;
      }),
      64,
    );
    expect(load(second).start.rip).toBe(MIB + 32);
  });

  test("ELF kernels of both widths start in 32-bit mode", () => {
    for (const bits of [32, 64] as const) {
      const plan = load(elf(bits));
      expect(plan.start).toMatchObject({ mode: "protected", rip: MIB + 32 });
      expect(plan.zero).toEqual([{ physical: MIB + 64, length: 0x2000 - 64 }]);
    }
  });
});

describe("information", () => {
  const modules = [
    { name: "first.bin", bytes: Uint8Array.of(1, 2, 3) },
    { name: "second.bin --flag", bytes: new Uint8Array(5000).fill(7) },
  ];
  const plan = load(elf(32), { append: "root=none", modules, memoryBytes: 8 * MIB });
  const info = plan.start.registers.rbx;

  test("flags, sizes, command line and name", () => {
    expect(u32(plan, info)).toBe(0b10_0100_1101);
    expect(u32(plan, info + 4)).toBe(639);
    expect(u32(plan, info + 8)).toBe(7 * 1024);
    expect(text(plan, u32(plan, info + 16))).toBe("root=none");
    expect(text(plan, u32(plan, info + 64))).toBe("virtlab");
  });

  test("modules are on pages of their own, above the kernel's zeros", () => {
    expect(u32(plan, info + 20)).toBe(2);
    const list = u32(plan, info + 24);
    for (const [index, module] of modules.entries()) {
      const start = u32(plan, list + 16 * index);
      expect(start % 4096).toBe(0);
      expect(start).toBeGreaterThanOrEqual(MIB + 0x2000);
      expect(u32(plan, list + 16 * index + 4)).toBe(start + module.bytes.length);
      expect(memory(plan, start, module.bytes.length)).toEqual(module.bytes);
      expect(text(plan, u32(plan, list + 16 * index + 8))).toBe(module.name);
    }
  });

  test("the memory map's entries have a size that does not count itself", () => {
    const length = u32(plan, info + 44);
    const ranges: [number, number, number][] = [];
    for (let at = u32(plan, info + 48); at < u32(plan, info + 48) + length; at += u32(plan, at) + 4) {
      ranges.push([u64(plan, at + 4), u64(plan, at + 12), u32(plan, at + 20)]);
    }
    expect(ranges).toEqual(plan.memoryMap.map(({ base, length, type }) => [base, length, type]));
    expect(ranges.at(-1)).toEqual([MIB, 7 * MIB, 1]);
  });
});

test("memory without a module list has none", () => {
  const plan: BootPlan = load(flat(0));
  expect(u32(plan, plan.start.registers.rbx + 20)).toBe(0);
  expect(u32(plan, plan.start.registers.rbx + 24)).toBe(0);
});

describe("refusals", () => {
  const changed = (index: number, value: number): Uint8Array =>
    flat(0, ADDRESSES, (addresses) => {
      addresses[index] = value;
    });

  test.each<[string, Uint8Array, string]>([
    ["video mode", elf(32, 7), "demands flags 0x4, which are not supported; bit 2 is a video mode"],
    ["an unknown demand", elf(32, 1 << 9), "demands flags 0x200, which are not supported"],
    [
      "no addresses, no ELF",
      flat(0, 0),
      "its Multiboot header has no addresses (flag 16), and it is no ELF file",
    ],
    [
      "load_addr",
      changed(1, MIB + 4),
      "load_addr 0x100004 and header_addr 0x100000 of the Multiboot header would load from after the header",
    ],
    ["load_addr", changed(1, MIB - 4), "would load from before the file's first byte"],
    [
      "load_end_addr",
      changed(2, MIB - 1),
      "load_end_addr 0xfffff of the Multiboot header lies before load_addr, 0x100000",
    ],
    [
      "load_end_addr",
      changed(2, 2 * MIB),
      "what load_end_addr of the Multiboot header asks to load (0x100000 bytes at 0x0) reaches byte 1048576, but the file has 64",
    ],
    [
      "bss_end_addr",
      changed(3, MIB + 1),
      "bss_end_addr 0x100001 of the Multiboot header lies before the end of what is loaded",
    ],
    ["bss_end_addr", changed(3, 0xffff_ffff), "kernel goes to 0x100000, 4 GiB, which is not all RAM"],
    [
      "entry_addr",
      changed(4, MIB + 64),
      "entry_addr 0x100040 of the Multiboot header lies outside of what is loaded",
    ],
  ])("%s", (_, image, message) => {
    expect(refusal(image)).toContain(message);
  });

  test("a header cut off by the file's end", () => {
    expect(refusal(flat(0).subarray(0, 20))).toContain(
      "load_end_addr of the Multiboot header (0x4 bytes at 0x14) reaches byte 24, but the file has 20",
    );
  });

  test("no header, but the kind is given", () => {
    expect(refusal(new Uint8Array(64), { kind: "multiboot" })).toContain(
      "it has no Multiboot header: 0x1badb002",
    );
  });

  test("modules that do not fit", () => {
    const modules = [{ name: "big", bytes: new Uint8Array(4 * MIB) }];
    expect(refusal(elf(32), { modules, memoryBytes: 5 * MIB })).toBe(
      "kernel.elf: there is no room for module big, 4 MiB, in 5 MiB of memory\n  give the machine more memory",
    );
    expect(load(elf(32), { modules, memoryBytes: 6 * MIB }).kind).toBe("multiboot");
  });
});
