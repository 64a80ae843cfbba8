/**
 * Thousands of damaged images: each is loaded or refused with a UserError, never anything else; what is loaded keeps the plan's
 * promises; and nothing depends on anything but the bytes.
 */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { UserError } from "../../util/errors.js";
import { Random } from "../../util/random.js";
import { MIB } from "../../util/units.js";
import { type BootPlan, IMAGE_KINDS } from "./boot-plan.js";
import { ByteWriter } from "./byte-writer.js";
import { type ImageOptions, loadImage } from "./image.js";
import { buildElf, buildLinux, multibootHeader, PT_DYNAMIC, pvhNote } from "./testing/images.js";

const MEMORY = 20 * MIB;
const ROUNDS = 1500;

const code = new Uint8Array(96).fill(0x90);
const symbols = [
  { name: "start", value: MIB, size: 16 },
  { name: "end", value: MIB + 90 },
];
const dynamic = new ByteWriter(64).u64(0, 7).u64(16, 8).u64(24, 24).u64(32, 9).u64(40, 24).bytes;
const relocated = new ByteWriter(64).u64(0, 0x20).u64(8, 8).u64(16, 0x30).bytes;
const withHeader = new Uint8Array(96);
withHeader.set(multibootHeader(0x1_0003, [MIB, MIB, MIB + 80, MIB + 4096, MIB + 40]));

const SEEDS: Readonly<Record<string, Uint8Array>> = {
  elf32: buildElf({
    bits: 32,
    entry: MIB,
    segments: [{ physical: MIB, bytes: code, memorySize: 500 }],
    symbols,
  }).bytes,
  elf64: buildElf({
    bits: 64,
    entry: MIB,
    segments: [
      { physical: MIB, bytes: code },
      { physical: 2 * MIB, bytes: code },
    ],
    symbols,
  }).bytes,
  pie: buildElf({
    bits: 64,
    type: 3,
    entry: 0,
    segments: [
      { virtual: 0, bytes: relocated },
      { type: PT_DYNAMIC, bytes: dynamic },
    ],
    symbols,
  }).bytes,
  pvh: buildElf({
    bits: 64,
    entry: MIB,
    segments: [{ physical: MIB, bytes: code }, pvhNote(MIB + 4)],
    symbols,
  }).bytes,
  multiboot: withHeader,
  linux: buildLinux({ kernel: new Uint8Array(1024).fill(0x90) }),
};

/** Values that break code which does not check. */
const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff,
];

function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const keep = random.below(8) === 0 ? random.below(bytes.length + 1) : bytes.length;
  const writer = new ByteWriter(bytes.length).copy(0, bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    // Most fields are in the first bytes; the rest are anywhere.
    const at = random.below(random.below(3) === 0 ? bytes.length - 8 : Math.min(bytes.length - 8, 0x270));
    const edge = EDGES[random.below(EDGES.length)]!;
    const kind = random.below(5);
    if (kind === 0) writer.u8(at, random.below(256));
    else if (kind === 1) writer.u8(at, writer.bytes[at]! ^ (1 << random.below(8)));
    else if (kind === 2) writer.u16(at & ~1, edge & 0xffff);
    else if (kind === 3) writer.u32(at & ~3, edge);
    else writer.u32(at & ~7, edge).u32((at & ~7) + 4, random.below(2) === 0 ? 0 : edge);
  }
  return writer.bytes.slice(0, keep);
}

/** The plan, or the text of the refusal. */
function outcome(bytes: Uint8Array, options: ImageOptions): BootPlan | string {
  try {
    return loadImage(bytes, options);
  } catch (error) {
    if (error instanceof UserError) return error.text;
    throw error;
  }
}

/** Two outcomes with the same digest are the same: quicker than a comparison in depth. */
function digest(result: BootPlan | string): string {
  const text = JSON.stringify(result, (_, value) => (ArrayBuffer.isView(value) ? undefined : value));
  const hash = createHash("sha256").update(text);
  if (typeof result === "object") for (const { bytes } of result.writes) hash.update(bytes);
  return hash.digest("hex");
}

function checkPlan(plan: BootPlan, image: Uint8Array): void {
  let end = 0;
  for (const { physical, length } of plan.regions) {
    expect(physical).toBeGreaterThanOrEqual(end);
    end = physical + length;
  }
  expect(end).toBeLessThanOrEqual(MEMORY);
  const made = plan.writes.filter(({ bytes }) => bytes.buffer !== image.buffer);
  expect(made.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(image.length + 128 * 1024);
  for (let i = 1; i < plan.symbols.length; i++) {
    expect(plan.symbols.address(i)).toBeGreaterThan(plan.symbols.address(i - 1));
    plan.symbols.name(i);
  }
  const { start } = plan;
  expect(Number.isInteger(start.rip) && start.rip >= 0 && start.rip < MEMORY).toBe(true);
}

describe.each(Object.entries(SEEDS))("%s", (name, seed) => {
  test("the seed itself is accepted", () => {
    expect(typeof outcome(seed, { memoryBytes: MEMORY })).toBe("object");
  });

  test("damaged images are loaded or refused", () => {
    const random = new Random(1).fork(name);
    const counts = { loaded: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const image = damaged(seed, random);
      const kind = (["auto", "auto", ...IMAGE_KINDS.filter((each) => each !== "raw")] as const)[
        random.below(6)
      ]!;
      const options: ImageOptions = {
        kind,
        memoryBytes: MEMORY,
        append: "x",
        modules: [{ name: "m", bytes: code }],
      };
      const result = outcome(image, options);
      expect(digest(outcome(image.slice(), options))).toBe(digest(result));
      if (typeof result === "string") counts.refused++;
      else {
        counts.loaded++;
        checkPlan(result, image);
      }
    }
    // Both happen often, or the damage is too light or too heavy to find anything.
    expect(counts.loaded).toBeGreaterThan(ROUNDS / 50);
    expect(counts.refused).toBeGreaterThan(ROUNDS / 50);
  });
});

test("a file that asks for much work is refused, not worked on", () => {
  const bytes = new Uint8Array(4 * MIB).fill(0xff);
  bytes.set(SEEDS["elf64"]!);
  const many = new ByteWriter(bytes.length).copy(0, bytes).u16(56, 0xfffe);
  expect(outcome(many.bytes, { memoryBytes: MEMORY })).toContain("e_phnum");
  const sections = new ByteWriter(bytes.length).copy(0, bytes).u16(60, 0xffff);
  expect(typeof outcome(sections.bytes, { memoryBytes: MEMORY })).toBe("string");
});
