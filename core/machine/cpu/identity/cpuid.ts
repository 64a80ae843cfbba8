/**
 * CPUID (SDM vol. 2, CPUID; APM vol. 3, appendix E), from the profile: vendor, signature, extensions that the machine
 * implements, caches and addresses by the profile's geometry. One processor, one thread. No hypervisor leaf: to its guest
 * this is hardware.
 */
import type { CacheGeometry, CpuProfile } from "../../../events/profile.js";
import type { Processor } from "../processor.js";
import { AMD_REPEATED, EAX, EBX, ECX, EDX, FEATURE_PLACES, LEAF } from "./cpuid-features.js";

/** EAX, EBX, ECX, EDX. */
export type CpuidAnswer = Int32Array;

const LINE_BYTES = 64;
const BRAND_BYTES = 48;
const EXTENDED = 0x8000_0000;
const LAST_EXTENDED = 0x8000_0008;
/** The crystal of client processors since Skylake (SDM vol. 3, table 19-85). */
const CRYSTAL_HERTZ = 24_000_000;
const BUS_MHZ = 100;

/** Answers of a processor to CPUID. */
/** Of leaf 80000008H's EBX (APM vol. 3, E.4.7). */
const EFER_LMSLE_UNSUPPORTED = 1 << 20;

export class Cpuid {
  /** Greatest basic leaf. */
  readonly last: number;

  constructor(private readonly processor: Processor) {
    this.last = lastLeaf(processor);
  }

  /** @param leaf,subleaf EAX and ECX, unsigned. */
  answer(leaf: number, subleaf: number): CpuidAnswer {
    if (leaf >= EXTENDED && leaf <= LAST_EXTENDED) return this.extended(leaf);
    if (leaf <= this.last) return this.basic(leaf, subleaf);
    // Beyond its leaves Intel's answers as for the last one, AMD's with zeros.
    return this.processor.isIntel ? this.basic(this.last, subleaf) : new Int32Array(4);
  }

  private basic(leaf: number, subleaf: number): CpuidAnswer {
    const { profile, features, isIntel } = this.processor;
    const answer = new Int32Array(4);
    switch (leaf) {
      case 0:
        answer[EAX] = this.last;
        writeVendor(answer, isIntel);
        break;
      case 1:
        answer[EAX] = profile.identity.signature;
        answer[EBX] = ((LINE_BYTES / 8) << 8) | (1 << 16);
        this.addFeatures(answer, leaf);
        break;
      case 2:
        // One call; descriptor FFH: see leaf 4.
        if (isIntel) answer[EAX] = 0xff01;
        break;
      case 4:
        if (isIntel) writeCache(answer, profile, subleaf);
        break;
      case 6:
        // ARAT: the local APIC's timer never stops.
        if (features.has("INVARIANT-TSC")) answer[EAX] = 4;
        break;
      case 7:
        if (subleaf === 0) this.addFeatures(answer, leaf);
        break;
      case 0xb:
        writeTopology(answer, subleaf);
        break;
      case 0x15:
        answer.set([CRYSTAL_HERTZ / 1_000_000, profile.frequencyMHz, CRYSTAL_HERTZ, 0]);
        break;
      case 0x16:
        answer.set([profile.frequencyMHz, profile.frequencyMHz, BUS_MHZ, 0]);
        break;
    }
    return answer;
  }

  private extended(leaf: number): CpuidAnswer {
    const { profile, features, isIntel } = this.processor;
    const answer = new Int32Array(4);
    switch (leaf - EXTENDED) {
      case 0:
        answer[EAX] = LAST_EXTENDED;
        if (!isIntel) writeVendor(answer, isIntel);
        break;
      case 1:
        if (!isIntel) answer[EAX] = profile.identity.signature;
        this.addFeatures(answer, leaf);
        if (!isIntel) answer[EDX]! |= this.basic(LEAF.features, 0)[EDX]! & AMD_REPEATED;
        break;
      case 2:
      case 3:
      case 4:
        writeBrand(answer, profile.title, leaf - EXTENDED - 2);
        break;
      case 5:
        if (!isIntel) answer[ECX] = answer[EDX] = amdLevel1(profile.caches.l1d);
        break;
      case 6:
        answer[ECX] = amdLevel2(profile.caches.l2);
        if (!isIntel && profile.caches.l3 !== undefined) answer[EDX] = amdLevel3(profile.caches.l3);
        break;
      case 7:
        this.addFeatures(answer, leaf);
        break;
      case 8:
        answer[EAX] = profile.physicalAddressBits | ((features.has("LA57") ? 57 : 48) << 8);
        if (!isIntel && !features.has("LMSLE")) answer[EBX] = EFER_LMSLE_UNSUPPORTED;
        break;
    }
    return answer;
  }

  private addFeatures(answer: CpuidAnswer, leaf: number): void {
    for (const [name, place, register, bit] of FEATURE_PLACES)
      if (place === leaf && this.processor.features.has(name)) answer[register]! |= 1 << bit;
  }
}

function lastLeaf({ features, isIntel }: Processor): number {
  if (features.has("FREQUENCY-LEAF")) return 0x16;
  if (features.has("X2APIC")) return 0xb;
  const hasStructured = FEATURE_PLACES.some(([name, leaf]) => leaf === LEAF.structured && features.has(name));
  return hasStructured ? 7 : isIntel ? 6 : 1;
}

/** "GenuineIntel" or "AuthenticAMD", in EBX, EDX, ECX. */
function writeVendor(answer: CpuidAnswer, isIntel: boolean): void {
  const text = isIntel ? "GenuineIntel" : "AuthenticAMD";
  for (const [index, register] of [EBX, EDX, ECX].entries())
    answer[register] = fourCharacters(text.slice(4 * index, 4 * index + 4));
}

const fourCharacters = (text: string): number =>
  [...text].reduce((word, character, index) => word | ((character.codePointAt(0)! & 0x7f) << (8 * index)), 0);

/** 16 bytes of the brand string, which ends with zeros. */
function writeBrand(answer: CpuidAnswer, title: string, part: number): void {
  const text = title.slice(0, BRAND_BYTES - 1).padEnd(BRAND_BYTES, "\0");
  for (let register = 0; register < 4; register++) {
    const at = part * 16 + register * 4;
    answer[register] = fourCharacters(text.slice(at, at + 4));
  }
}

/** Leaf 4: one cache a subleaf (SDM vol. 2, table 3-8): data, instruction (as large as the data cache), then unified ones. */
function writeCache(answer: CpuidAnswer, profile: CpuProfile, subleaf: number): void {
  const { l1d, l2, l3 } = profile.caches;
  const caches: readonly (readonly [type: number, level: number, cache: CacheGeometry | undefined])[] = [
    [1, 1, l1d],
    [2, 1, l1d],
    [3, 2, l2],
    [3, 3, l3],
  ];
  const [type, level, cache] = caches[subleaf] ?? [];
  if (type === undefined || level === undefined || cache === undefined) return;
  const selfInitializing = 1 << 8;
  answer[EAX] = type | (level << 5) | selfInitializing;
  answer[EBX] = (LINE_BYTES - 1) | ((cache.ways - 1) << 22);
  answer[ECX] = cache.sizeBytes / LINE_BYTES / cache.ways - 1;
}

/** Leaf 0BH: a core of one thread in a package of one core; x2APIC ID 0. */
function writeTopology(answer: CpuidAnswer, subleaf: number): void {
  const SMT = 1;
  const CORE = 2;
  const level = subleaf === 0 ? SMT : subleaf === 1 ? CORE : 0;
  answer[EBX] = level === 0 ? 0 : 1;
  answer[ECX] = (subleaf & 0xff) | (level << 8);
}

/** APM vol. 3, E.4.4: size in KiB, ways, lines a tag, line. */
const amdLevel1 = ({ sizeBytes, ways }: CacheGeometry): number =>
  ((sizeBytes / 1024) << 24) | (ways << 16) | (1 << 8) | LINE_BYTES;

/** Associativity as leaf 80000006H encodes it (APM vol. 3, table E-4). */
const ASSOCIATIVITY: Readonly<Record<number, number>> = {
  1: 1,
  2: 2,
  4: 4,
  8: 6,
  16: 8,
  32: 10,
  48: 11,
  64: 12,
};
const associativityOf = (ways: number): number => ASSOCIATIVITY[ways] ?? 15;

const amdLevel2 = ({ sizeBytes, ways }: CacheGeometry): number =>
  ((sizeBytes / 1024) << 16) | (associativityOf(ways) << 12) | LINE_BYTES;
/** In units of 512 KiB. */
const amdLevel3 = ({ sizeBytes, ways }: CacheGeometry): number =>
  ((sizeBytes / 524_288) << 18) | (associativityOf(ways) << 12) | LINE_BYTES;
