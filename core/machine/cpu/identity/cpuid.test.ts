/** CPUID of each profile (SDM vol. 2, CPUID; APM vol. 3, appendix E): who it is, what it offers, how it is built. */
import { describe, expect, it } from "vitest";
import { findProfile, PROFILES } from "../../../events/profiles/index.js";
import { ABSENT_EXTENSIONS } from "../../x86/absent.table.js";
import { RAX, RBX, RCX, RDX } from "../places.js";
import { processorOf } from "../processor.js";
import { TestSystem } from "../testing/test-system.js";
import { Cpuid } from "./cpuid.js";
import { EBX, ECX, EDX, FEATURE_PLACES } from "./cpuid-features.js";

const cpuidOf = (name: string, hasApic = true): Cpuid => new Cpuid(processorOf(findProfile(name)!, hasApic));
const answer = (name: string, leaf: number, subleaf = 0): number[] =>
  [...cpuidOf(name).answer(leaf, subleaf)].map((word) => word >>> 0);
const has = (name: string, leaf: number, register: number, bit: number): boolean =>
  ((answer(name, leaf)[register]! >>> bit) & 1) === 1;
const text = (words: number[]): string =>
  words
    .map((word) => String.fromCodePoint(...[0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff)))
    .join("");

describe("who it is", () => {
  it("vendor", () => {
    for (const [name, vendor] of [
      ["haswell-2013", "GenuineIntel"],
      ["zen-2-2019", "AuthenticAMD"],
    ] as const) {
      const [, ebx, ecx, edx] = answer(name, 0);
      expect(text([ebx!, edx!, ecx!])).toBe(vendor);
    }
  });

  it.each([
    ["northwood-2002", 15, 2],
    ["prescott-2005", 15, 4],
    ["merom-2006", 6, 15],
    ["barcelona-2007", 16, 2],
    ["penryn-2008", 6, 23],
    ["nehalem-2008", 6, 26],
    ["westmere-2010", 6, 44],
    ["sandy-bridge-2011", 6, 42],
    ["haswell-2013", 6, 60],
    ["skylake-2015", 6, 94],
    ["zen-2-2019", 23, 113],
    ["ice-lake-2019", 6, 126],
    ["zen-3-2020", 25, 33],
  ])("%s is family %i, model %i", (name, family, model) => {
    const [eax] = answer(name, 1);
    const base = (eax! >> 8) & 15;
    const isExtended = base === 6 || base === 15;
    expect(base + (base === 15 ? (eax! >> 20) & 0xff : 0)).toBe(family);
    expect(((eax! >> 4) & 15) | (isExtended ? ((eax! >> 16) & 15) << 4 : 0)).toBe(model);
  });

  it("brand string, ended by zeros", () => {
    const words = [2, 3, 4].flatMap((leaf) => answer("nehalem-2008", 0x8000_0000 + leaf));
    expect(text(words).replace(/\0+$/, "")).toBe("Intel Nehalem (Core i7-920, Xeon X5550)");
  });
});

describe("what it offers", () => {
  it("grows with the generations", () => {
    const popcnt = PROFILES.filter(({ name }) => has(name, 1, 2, 23)).map(({ name }) => name);
    expect(popcnt).toEqual(
      PROFILES.map(({ name }) => name).filter((name) => !/northwood|prescott|merom|penryn/.test(name)),
    );
    expect(has("sandy-bridge-2011", 7, 1, 3)).toBe(false);
    expect(has("haswell-2013", 7, 1, 3)).toBe(true);
    expect([has("nehalem-2008", 1, 2, 21), has("sandy-bridge-2011", 1, 2, 21)]).toEqual([false, true]);
    expect([has("nehalem-2008", 1, 2, 17), has("westmere-2010", 1, 2, 17)]).toEqual([false, true]);
    expect([has("skylake-2015", 7, 2, 16), has("ice-lake-2019", 7, 2, 16)]).toEqual([false, true]);
  });

  it("is only what the machine implements: no MONITOR, XSAVE, SSE3, SMEP or hypervisor", () => {
    for (const { name } of PROFILES) {
      for (const bit of [0, 3, 9, 19, 20, 26, 27, 31]) expect(has(name, 1, 2, bit)).toBe(false);
      expect(has(name, 7, 1, 7) || has(name, 7, 1, 20)).toBe(false);
      expect(answer(name, 0x4000_0000)).toEqual(
        findProfile(name)!.vendor === "amd" ? [0, 0, 0, 0] : answer(name, cpuidOf(name).last),
      );
    }
  });

  it.each(PROFILES.map(({ name }) => name))(
    "%s advertises nothing that the instruction table leaves out",
    (name) => {
      const { features } = processorOf(findProfile(name)!, true);
      for (const { name: absent } of ABSENT_EXTENSIONS)
        for (const extension of absent.split(", ")) expect(features, extension).not.toContain(extension);
      // Each bit stands for one of these, so that no other extension is offered by a stray bit.
      for (const [leaf, register] of [
        [1, ECX],
        [1, EDX],
        [7, EBX],
        [7, ECX],
        [0x8000_0007, EDX],
      ] as const) {
        const known = FEATURE_PLACES.filter(
          ([feature, ofLeaf, ofRegister]) =>
            ofLeaf === leaf && ofRegister === register && features.has(feature),
        );
        const bits = known.reduce((sum, [, , , bit]) => sum + 2 ** bit, 0);
        expect(answer(name, leaf)[register], `leaf ${leaf.toString(16)}`).toBe(bits);
      }
    },
  );

  it("repeats leaf 1's bits in 80000001H on AMD's alone", () => {
    expect([has("zen-2-2019", 0x8000_0001, 3, 0), has("haswell-2013", 0x8000_0001, 3, 0)]).toEqual([
      true,
      false,
    ]);
    expect(has("haswell-2013", 0x8000_0001, 3, 29)).toBe(true);
  });

  it("has no APIC, x2APIC or TSC deadline in a machine without one", () => {
    const [, , ecx, edx] = cpuidOf("skylake-2015", false).answer(1, 0);
    expect([(edx! >> 9) & 1, (ecx! >> 21) & 1, (ecx! >> 24) & 1]).toEqual([0, 0, 0]);
  });
});

describe("how it is built", () => {
  it("leaf 4 has the profile's caches", () => {
    const sizes = [0, 2, 3].map((subleaf) => {
      const [, ebx, ecx] = answer("skylake-2015", 4, subleaf);
      return ((ebx! >>> 22) + 1) * ((ebx! & 0xfff) + 1) * (ecx! + 1);
    });
    expect(sizes).toEqual([32_768, 262_144, 8_388_608]);
    expect(answer("skylake-2015", 4, 4)).toEqual([0, 0, 0, 0]);
  });

  it("leaf 80000008H has the widths of addresses", () => {
    expect(answer("haswell-2013", 0x8000_0008)[0]).toBe(39 | (48 << 8));
    expect(answer("ice-lake-2019", 0x8000_0008)[0]).toBe(52 | (57 << 8));
  });

  it("leaf 80000008H says where AMD's have no EFER.LMSLE, bit 20 of EBX", () => {
    const ebx = (name: string): number => answer(name, 0x8000_0008)[EBX]!;
    expect(["barcelona-2007", "zen-2-2019", "zen-3-2020", "ice-lake-2019"].map(ebx)).toEqual([
      0,
      0,
      1 << 20,
      0,
    ]);
  });

  it("leaves 15H and 16H give the time-stamp counter's frequency", () => {
    const [denominator, numerator, crystal] = answer("skylake-2015", 0x15);
    expect((crystal! * numerator!) / denominator!).toBe(4_000_000_000);
    expect(answer("skylake-2015", 0x16)[0]).toBe(4_000);
    expect(cpuidOf("haswell-2013").last).toBe(0xb);
  });

  it("leaf 0BH is one thread of one core", () => {
    expect([0, 1, 2].map((subleaf) => answer("haswell-2013", 0xb, subleaf).slice(1, 3))).toEqual([
      [1, 0x100],
      [1, 0x201],
      [0, 2],
    ]);
  });
});

describe("the instruction", () => {
  it("answers in EAX to EDX at any privilege, upper halves cleared", () => {
    const t = new TestSystem("haswell-2013").long(3);
    for (const register of [RAX, RBX, RCX, RDX]) t.setRegister(register, -1);
    t.setRegister(RAX, 0);
    t.execute("cpuid");
    expect(t.register(RBX)).toBe(0x756e_6547);
    expect([...t.words.subarray(2 * RBX + 1, 2 * RBX + 2)]).toEqual([0]);
  });
});
