/** The oracle against tables written out by hand, so that it rests on the manual and on nothing of ours. */
import { describe, expect, it } from "vitest";
import { SparseMemory } from "./flat-vcpu.js";
import {
  type Access,
  loadPdptes,
  type PagingControls,
  type Translation,
  translate,
} from "./reference-translator.js";

const READ: Access = { write: false, fetch: false, user: true };
const WRITE: Access = { ...READ, write: true };
const FETCH: Access = { ...READ, fetch: true };
const KERNEL_WRITE: Access = { write: true, fetch: false, user: false };
const NX = 1n << 63n;

const CONTROLS: PagingControls = {
  format: "4-level",
  noExecute: true,
  writeProtect: true,
  physicalAddressBits: 40,
  page1G: true,
};

/**
 * Tables at 0x1000, 0x2000, ... linked along linear address 0x8040201000 + offset, index 1 at every level.
 */
function chain(entries: readonly bigint[]): SparseMemory {
  const memory = new SparseMemory();
  entries.forEach((entry, depth) => {
    memory.write(0x1000n * BigInt(depth + 1) + 8n, 8, entry);
  });
  return memory;
}

const LINEAR = (1n << 39n) | (1n << 30n) | (1n << 21n) | (1n << 12n) | 0x234n;
const link = (depth: number, flags = 7n): bigint => (0x1000n * BigInt(depth + 1)) | flags;

function walk(memory: SparseMemory, access: Access, controls: Partial<PagingControls> = {}): Translation {
  return translate(memory, { ...CONTROLS, ...controls }, 0x1000n, [], LINEAR, access);
}

function code(result: Translation): number {
  if (result.kind !== "fault") throw new Error("no fault");
  return result.code;
}

describe("4-level paging", () => {
  const usual = (leaf = 0xabc000n | 7n): SparseMemory => chain([link(1), link(2), link(3), leaf]);

  it("translates, and sets accessed bits at every level and dirty at the leaf of a write", () => {
    const memory = usual();
    expect(walk(memory, READ)).toMatchObject({ address: 0xabc234n, pageBytes: 4096n, dirty: false });
    expect([1, 2, 3, 4].map((t) => memory.read(BigInt(t) * 0x1000n + 8n, 8) & 0x60n)).toEqual([
      0x20n,
      0x20n,
      0x20n,
      0x20n,
    ]);
    expect(walk(memory, WRITE)).toMatchObject({ dirty: true });
    expect([3, 4].map((t) => memory.read(BigInt(t) * 0x1000n + 8n, 8) & 0x60n)).toEqual([0x20n, 0x60n]);
  });

  it("gives the error code of an entry that is not present, and sets no bits", () => {
    const memory = chain([link(1), link(2), 6n]);
    expect(code(walk(memory, READ))).toBe(4);
    expect(code(walk(memory, WRITE))).toBe(6);
    expect(code(walk(memory, FETCH))).toBe(0x14);
    expect(code(walk(memory, KERNEL_WRITE))).toBe(2);
    expect(memory.read(0x1008n, 8)).toBe(link(1));
  });

  it.each([0, 1, 2, 3])("needs U/S, R/W and no XD at every level; here level index %i refuses", (depth) => {
    const without = (entry: bigint, flags: bigint): SparseMemory =>
      chain([link(1), link(2), link(3), 0xabc007n].map((e, i) => (i === depth ? (e & ~entry) | flags : e)));
    expect(code(walk(without(4n, 0n), READ))).toBe(5);
    expect(code(walk(without(2n, 0n), WRITE))).toBe(7);
    expect(code(walk(without(2n, 0n), KERNEL_WRITE))).toBe(3);
    expect(walk(without(2n, 0n), KERNEL_WRITE, { writeProtect: false }).kind).toBe("page");
    expect(code(walk(without(0n, NX), FETCH))).toBe(0x15);
    expect(walk(without(0n, NX), READ).kind).toBe("page");
    expect(code(walk(without(0n, NX), READ, { noExecute: false }))).toBe(0xd);
  });

  it("maps 2 MiB and 1 GiB pages, with their reserved bits", () => {
    const large = chain([link(1), link(2), 0x4060_0000n | 0x87n]);
    expect(walk(large, READ)).toMatchObject({ address: 0x4060_1234n, pageBytes: 1n << 21n });
    expect(code(walk(chain([link(1), link(2), 0x4060_2000n | 0x87n]), READ))).toBe(0xd);
    const huge = chain([link(1), 0x1_4000_0000n | 0x87n]);
    expect(walk(huge, READ)).toMatchObject({ address: 0x1_4020_1234n, pageBytes: 1n << 30n });
    expect(code(walk(huge, WRITE, { page1G: false }))).toBe(0xf);
    expect(code(walk(chain([link(1), 0x1_4020_0000n | 0x87n]), READ))).toBe(0xd);
  });

  it("reserves PS in a PML4E and address bits from MAXPHYADDR, and ignores bits 62:52", () => {
    expect(code(walk(chain([link(1, 0x87n)]), READ))).toBe(0xd);
    expect(code(walk(chain([link(1) | (1n << 40n)]), READ))).toBe(0xd);
    expect(walk(usual(0xabc007n | (0x7ffn << 52n)), READ).kind).toBe("page");
  });
});

describe("32-bit paging", () => {
  const controls = { ...CONTROLS, format: "32-bit" as const };

  it("uses 10 bits twice, and 4 MiB pages with PSE-36", () => {
    const memory = new SparseMemory();
    memory.write(0x1000n + 4n * 3n, 4, 0x2007n);
    memory.write(0x2000n + 4n * 5n, 4, 0x9007n);
    const linear = (3n << 22n) | (5n << 12n) | 0x10n;
    expect(translate(memory, controls, 0x1000n, [], linear, WRITE)).toMatchObject({ address: 0x9010n });
    memory.write(0x1000n + 4n * 4n, 4, 0x0080_0087n | (1n << 13n));
    const inLarge = (4n << 22n) | 0x12345n;
    expect(translate(memory, controls, 0x1000n, [], inLarge, READ)).toMatchObject({
      address: 0x1_0081_2345n,
    });
  });

  it("reserves bits 21 to M - 19 of a 4 MiB entry, and reports no fetch", () => {
    const memory = new SparseMemory();
    const at = (bit: bigint, physicalAddressBits: number, access = READ): Translation => {
      memory.write(0x1000n, 4, 0x0080_0087n | (1n << bit));
      return translate(memory, { ...controls, physicalAddressBits }, 0x1000n, [], 0n, access);
    };
    expect(at(20n, 40).kind).toBe("page");
    expect(code(at(21n, 40))).toBe(0xd);
    expect(at(16n, 36).kind).toBe("page");
    expect(code(at(17n, 36, FETCH))).toBe(0xd);
  });
});

describe("PAE paging", () => {
  const controls = { ...CONTROLS, format: "pae" as const, physicalAddressBits: 36 };

  it("takes PDPTEs from registers, which have no rights of their own", () => {
    const memory = new SparseMemory();
    memory.write(0x1000n + 8n, 8, 0x2001n);
    memory.write(0x2000n + 8n * 2n, 8, 0x3007n);
    memory.write(0x3000n + 8n * 7n, 8, 0xf_0000_0007n);
    const registers = loadPdptes(memory, 0x1000n, 36)!;
    const linear = (1n << 30n) | (2n << 21n) | (7n << 12n);
    expect(translate(memory, controls, 0x1000n, registers, linear, WRITE)).toMatchObject({
      address: 0xf_0000_0000n,
    });
    expect(memory.read(0x1008n, 8)).toBe(0x2001n); // no accessed bit
    expect(code(translate(memory, controls, 0x1000n, registers, 0n, READ))).toBe(4);
  });

  it("refuses PDPTEs with reserved bits, and bits 62:52 of other entries", () => {
    const memory = new SparseMemory();
    memory.write(0x1000n, 8, 0x2003n);
    expect(loadPdptes(memory, 0x1000n, 36)).toBeUndefined();
    memory.write(0x1000n, 8, 0x2001n);
    memory.write(0x2000n, 8, 0x3007n | (1n << 52n));
    expect(code(translate(memory, controls, 0x1000n, loadPdptes(memory, 0x1000n, 36)!, 0n, READ))).toBe(0xd);
  });
});

describe("5-level paging", () => {
  it("adds nine bits", () => {
    const memory = new SparseMemory();
    [link(1), link(2), link(3), link(4), 0x7007n].forEach((entry, i) => {
      memory.write(0x1000n * BigInt(i + 1) + 8n * 2n, 8, entry);
    });
    const linear = [48, 39, 30, 21, 12].reduce((sum, low) => sum | (2n << BigInt(low)), 0n);
    const result = translate(memory, { ...CONTROLS, format: "5-level" }, 0x1000n, [], linear, READ);
    expect(result).toMatchObject({ address: 0x7000n, pageBytes: 4096n });
  });
});
