/** Plain ELF files: where segments go, what is refused and in which words, symbols, position-independent files. */
import { describe, expect, test } from "vitest";
import { GIB, MIB } from "../../util/units.js";
import { ByteWriter } from "./byte-writer.js";
import { PIE_BASE } from "./elf-image.js";
import { buildElf, PT_DYNAMIC, type SegmentSpec } from "./testing/images.js";
import { load, memory, refusal, text, u32, u64 } from "./testing/plans.js";

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd, 0x90); // hlt; jmp
const at1M: SegmentSpec = { physical: MIB, bytes: CODE };
const simple = (bits: 32 | 64, ...more: SegmentSpec[]): Uint8Array =>
  buildElf({ bits, entry: MIB, segments: [at1M, ...more] }).bytes;

describe("loading", () => {
  test("segments go to p_paddr, and what memory has more than the file is zero", () => {
    const plan = load(simple(64, { physical: 3 * MIB, bytes: CODE, memorySize: 0x1000 }));
    expect(plan.kind).toBe("elf");
    expect(memory(plan, MIB, 4)).toEqual(CODE);
    expect(memory(plan, 3 * MIB, 4)).toEqual(CODE);
    expect(plan.zero).toEqual([{ physical: 3 * MIB + 4, length: 0x1000 - 4 }]);
    expect(plan.warnings).toEqual([]);
  });

  test("a kernel that runs high is entered where it lies: p_vaddr against p_paddr", () => {
    const virtual = -0x8000_0000; // 0xffffffff80000000
    const high = { virtual: virtual + MIB, physical: MIB, bytes: CODE };
    expect(load(buildElf({ bits: 64, entry: virtual + MIB + 2, segments: [high] }).bytes).start.rip).toBe(
      MIB + 2,
    );
    const high32 = { virtual: 0xc010_0000, physical: MIB, bytes: CODE };
    expect(load(buildElf({ bits: 32, entry: 0xc010_0001, segments: [high32] }).bytes).start.rip).toBe(
      MIB + 1,
    );
  });

  test("an entry that is given as a physical address is taken as one", () => {
    const high32 = { virtual: 0xc010_0000, physical: MIB, bytes: CODE };
    expect(load(buildElf({ bits: 32, entry: MIB + 1, segments: [high32] }).bytes).start.rip).toBe(MIB + 1);
  });

  test("32 bits: flat protected mode, arguments on the stack", () => {
    const { start, ...plan } = load(simple(32), { append: "quick brown" });
    expect(start).toMatchObject({ mode: "protected", rip: MIB, cr3: 0, efer: 0, rflags: 2 });
    expect(start.cr0 % 2).toBe(1);
    expect(start.segments.cs).toEqual({ selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xc09b00 });
    expect(start.segments.ss).toEqual({ selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc09300 });
    const { rsp, rbx } = start.registers;
    expect((rsp + 4) % 16).toBe(0);
    const whole = { ...plan, start };
    expect(u32(whole, rsp)).toBe(0);
    expect(u32(whole, rsp + 4)).toBe(rbx);
    expect(text(whole, u32(whole, rsp + 8))).toBe("quick brown");
    expect(u32(whole, rbx)).toBe(0x336ec578);
  });

  test("64 bits: long mode, low 4 GiB mapped to themselves, arguments in registers", () => {
    const plan = load(simple(64), { append: "quick" });
    const { start } = plan;
    expect(start).toMatchObject({ mode: "long", rip: MIB, cr4: 0x620, efer: 0x500 });
    expect(start.cr0).toBe(0x8000_0033);
    expect(start.segments.cs.attributes).toBe(0xa09b00);
    expect((start.registers.rsp + 8) % 16).toBe(0);
    expect(text(plan, start.registers.rsi)).toBe("quick");
    for (const address of [0, 5 * MIB + 123, 2 * GIB, 4 * GIB - 1]) {
      const pointers = u64(plan, start.cr3 + 8 * Math.floor(address / (512 * GIB)));
      const directory = u64(plan, pointers - 3 + 8 * Math.floor(address / GIB));
      const entry = u64(plan, directory - 3 + 8 * (Math.floor(address / (2 * MIB)) % 512));
      expect(entry).toBe(address - (address % (2 * MIB)) + 0x83); // present, writable, large
    }
    expect(u64(plan, start.cr3 + 8)).toBe(0);
  });

  test("the GDT in memory has the descriptors that the segments claim", () => {
    for (const bits of [32, 64] as const) {
      const plan = load(simple(bits));
      const { gdtr, segments } = plan.start;
      for (const { selector, limit, attributes } of [segments.cs, segments.ds]) {
        expect(selector + 7).toBeLessThanOrEqual(gdtr.limit);
        const high = u32(plan, gdtr.base + selector + 4);
        expect(high & 0xf0_ff00).toBe(attributes);
        const pages = (u32(plan, gdtr.base + selector) & 0xffff) + (high & 0xf_0000);
        expect(pages * 4096 + 4095).toBe(limit);
      }
    }
  });

  test("modules and the memory map are in the start information", () => {
    const module = { name: "data.bin", bytes: Uint8Array.of(1, 2, 3) };
    const plan = load(simple(64), { modules: [module], memoryBytes: 16 * MIB });
    const info = plan.start.registers.rdi;
    const list = u64(plan, info + 16);
    expect(u32(plan, info + 12)).toBe(1);
    expect(memory(plan, u64(plan, list), u64(plan, list + 8))).toEqual(module.bytes);
    expect(text(plan, u64(plan, list + 16))).toBe("data.bin");
    const ranges = Array.from({ length: u32(plan, info + 48) }, (_, i) => u64(plan, info + 40) + 24 * i);
    expect(ranges.map((entry) => [u64(plan, entry), u64(plan, entry + 8), u32(plan, entry + 16)])).toEqual([
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [MIB, 15 * MIB, 1],
    ]);
  });

  test("the loader's structures keep out of the image's way, wherever it is", () => {
    for (const physical of [0x1000, 0x8_0000, 0x9_0000, 0x9_f000]) {
      const bytes = new Uint8Array(0xc00).fill(0x90);
      const plan = load(buildElf({ bits: 64, entry: physical, segments: [{ physical, bytes }] }).bytes);
      expect(memory(plan, physical, bytes.length)).toEqual(bytes);
    }
  });
});

describe("position-independent files", () => {
  const dynamic = (...pairs: [number, number][]): SegmentSpec => {
    const bytes = new ByteWriter(16 * (pairs.length + 1));
    for (const [index, [tag, value]] of pairs.entries())
      bytes.u64(16 * index, tag).u64(16 * index + 8, value);
    return { type: PT_DYNAMIC, bytes: bytes.bytes };
  };
  const data = new ByteWriter(0x40).u64(0, 0x20).u64(8, 8).u64(16, 0x1004).bytes; // r_offset, r_info, r_addend

  test("they go to a fixed base, with symbols and relative relocations moved along", () => {
    const image = buildElf({
      bits: 64,
      type: 3,
      entry: 0x10,
      segments: [{ virtual: 0, bytes: data }, dynamic([7, 0], [8, 24], [9, 24])],
      symbols: [{ name: "start", value: 0x10 }],
    });
    const plan = load(image.bytes);
    expect(plan.start.rip).toBe(PIE_BASE + 0x10);
    expect(u64(plan, PIE_BASE + 0x20)).toBe(PIE_BASE + 0x1004);
    expect(plan.symbols.addressOf("start")).toBe(PIE_BASE + 0x10);
    expect(image.bytes[image.contents[0]! + 0x20]).toBe(0); // the file itself is as it was
  });

  test("one that is linked above 1 MiB stays where it is", () => {
    const image = buildElf({
      bits: 64,
      type: 3,
      entry: 4 * MIB,
      segments: [{ physical: 4 * MIB, bytes: CODE }],
    });
    expect(load(image.bytes).start.rip).toBe(4 * MIB);
  });

  test("of a 32-bit one the relocations are left to itself, with a warning", () => {
    const image = buildElf({
      bits: 32,
      type: 3,
      entry: 0,
      segments: [{ virtual: 0, bytes: data }, dynamic()],
    });
    const plan = load(image.bytes);
    expect(plan.start.rip).toBe(PIE_BASE);
    expect(plan.warnings).toEqual([expect.stringContaining("relocations are not applied")]);
  });

  test("what needs a dynamic linker is refused", () => {
    const symbolic = new ByteWriter(0x40).u64(0, 0x20).u64(8, 6).bytes; // R_X86_64_GLOB_DAT
    const segments = [{ virtual: 0, bytes: symbolic }, dynamic([7, 0], [8, 24], [9, 24])];
    expect(refusal(buildElf({ bits: 64, type: 3, entry: 0, segments }).bytes)).toContain(
      "type 6, which needs a dynamic linker",
    );
    const outside = [{ virtual: 0, bytes: data }, dynamic([7, 0x30], [8, 24], [9, 24])];
    expect(refusal(buildElf({ bits: 64, type: 3, entry: 0, segments: outside }).bytes)).toBe(
      "kernel.elf: DT_RELA, 0x30, lies in no segment that is loaded",
    );
  });
});

describe("symbols", () => {
  const image = (bits: 32 | 64): Uint8Array =>
    buildElf({
      bits,
      entry: MIB,
      segments: [at1M],
      symbols: [
        { name: "late", value: MIB + 0x20, size: 8 },
        { name: "label", value: MIB + 0x10, type: 0 },
        { name: "main", value: MIB, size: 4 },
        { name: "also_main", value: MIB, size: 0, type: 0 },
        { name: "kernel.c", value: 0, type: 4 },
        ...(bits === 64 ? [{ name: "high", value: -0x8000_0000, size: 2 }] : []),
      ],
    }).bytes;

  test("an address belongs to the last symbol before it that reaches it", () => {
    for (const bits of [32, 64] as const) {
      const { symbols } = load(image(bits));
      expect(symbols.find(MIB + 3)).toEqual({ name: "main", offset: 3 });
      expect(symbols.find(MIB + 4)).toBeUndefined(); // after main's four bytes
      expect(symbols.find(MIB + 0x1f)).toEqual({ name: "label", offset: 15 }); // without a size: to the next
      expect(symbols.find(MIB + 0x27)).toEqual({ name: "late", offset: 7 });
      expect(symbols.find(MIB + 0x28)).toBeUndefined();
      expect(symbols.find(5)).toBeUndefined();
    }
    const { symbols } = load(image(64));
    expect(symbols.find(-0x8000_0000 + 1)).toEqual({ name: "high", offset: 1 });
    expect(symbols.length).toBe(4);
    expect(symbols.addressOf("late")).toBe(MIB + 0x20);
    expect(symbols.addressOf("none")).toBeUndefined();
  });

  test("a stripped file has none", () => {
    const { symbols } = load(simple(64));
    expect(symbols.length).toBe(0);
    expect(symbols.find(MIB)).toBeUndefined();
  });
});
