/**
 * The guest-state area as the processor caches it: while a VMCS is current and its guest has been entered, these fields are
 * the CPU's own registers (cpu/state.ts), and VMREAD derives them (Intel SDM vol. 3, 25.1: software may not rely on what the
 * region in memory holds then). The registers show what the guest believes; bits of CR0 and CR4 that a mask gives to the host,
 * and CR3 where its loads exit, are real only in the VMCS.
 */
import { EFER } from "../cpu/control-bits.js";
import { ACTIVITY, type Core, SHADOW } from "../cpu/core.js";
import {
  ATTRIBUTES,
  BASE,
  CR0_WORD,
  CR3_WORD,
  CR4_WORD,
  DR7_WORD,
  EFER_WORD,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  LIMIT,
  PRIVILEGE,
  RIP,
  RSP,
  SELECTOR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  segmentWord,
} from "../cpu/places.js";
import { PRIVILEGE_SHIFT, setSegment } from "../cpu/segments.js";
import { FS, SS } from "../cpu/state.js";
import { REGISTER } from "../registers.js";
import { ACTIVITY_STATE, BLOCKING, PROCESSOR, UNUSABLE } from "./controls.js";
import { FIELD, type FieldName, SEGMENT_FIELDS } from "./fields.js";
import type { Vmcs } from "./vmcs.js";

/** A field's value as halves: the high one is left in `high`. */
interface Accessor {
  read(): number;
  write(low: number, high: number): void;
}

/** Access rights (25.4.1) are bits 23..8 of a descriptor's second word less the limit's bits, 8 places lower. */
const RIGHTS_BITS = 0xf0ff;
const rightsOf = (attributes: number): number =>
  attributes === 0 ? UNUSABLE : (attributes >>> 8) & RIGHTS_BITS;
const attributesOf = (rights: number): number =>
  (rights & UNUSABLE) !== 0 ? 0 : (rights & RIGHTS_BITS) << 8;

const RSP_WORD = 2 * RSP;
const PDPTES = 4;

export class GuestState {
  /** High half of what `read` returned. */
  high = 0;
  private readonly accessors = new Map<number, Accessor>();
  /** The VMCS whose fields they are. */
  current!: Vmcs;
  /** Of the virtual-APIC page: the highest vectors in VIRR and VISR, or -1; undefined where there is none. */
  virtualInterrupts: { readonly requested: number; readonly served: number } | undefined;
  private isPagingChanged = false;

  /** @param registers of the MMU (machine/registers.ts). */
  constructor(
    private readonly core: Core,
    private readonly registers: Int32Array,
  ) {
    this.defineSegments();
    this.defineRegisters();
    this.defineActivity();
    // RVI and SVI (25.4.2) follow from the page.
    this.define(
      "guestInterruptStatus",
      () => {
        const { requested = -1, served = -1 } = this.virtualInterrupts ?? {};
        return Math.max(0, requested) | (Math.max(0, served) << 8);
      },
      () => {},
    );
  }

  /** Whether a field is the CPU's register while its guest is loaded. */
  owns(field: number): boolean {
    return this.accessors.has(field);
  }

  /** The low half; the high one is in `high`. */
  read(field: number): number {
    this.high = 0;
    return this.accessors.get(field)!.read();
  }

  write(field: number, low: number, high: number): void {
    this.accessors.get(field)!.write(low, high);
  }

  /** All of them from the current VMCS: what a VM entry loads (27.3.2). */
  load(): void {
    const { current } = this;
    for (const [field, accessor] of this.accessors) accessor.write(current.low(field), current.high(field));
    this.settle();
  }

  /** All of them into the current VMCS (28.3). */
  store(): void {
    for (const [field, accessor] of this.accessors) {
      this.high = 0;
      const low = accessor.read();
      this.current.set(field, low, this.high);
    }
  }

  /** After fields were written: CPL, mode and translation follow from them. */
  settle(): void {
    const { core } = this;
    const { words, host } = core;
    words[PRIVILEGE] = core.isProtected ? (words[segmentWord(SS) + ATTRIBUTES]! >>> PRIVILEGE_SHIFT) & 3 : 0;
    core.forgetCrossings();
    if (this.isPagingChanged) {
      host.paging.changed();
      host.paging.loadRoot(true);
      this.isPagingChanged = false;
    }
    core.updateMode();
  }

  private define(name: FieldName, read: () => number, write: (low: number, high: number) => void): void {
    this.accessors.set(FIELD[name], { read, write });
  }

  /** A register of one word, or of two. */
  private defineWord(name: FieldName, word: number, isWide = false): void {
    const { words } = this.core;
    this.define(
      name,
      () => {
        if (isWide) this.high = words[word + 1]!;
        return words[word]!;
      },
      (low, high) => {
        words[word] = low;
        if (isWide) words[word + 1] = high;
      },
    );
  }

  private defineSegments(): void {
    const { core } = this;
    const { words } = core;
    for (const [segment, name] of SEGMENT_FIELDS.entries()) {
      const at = segmentWord(segment);
      const renew = (limit: number, attributes: number): void => {
        const base = words[at + BASE]!;
        const upper = words[at + BASE + 1]!;
        setSegment(core, segment, words[at + SELECTOR]!, base, limit, attributes);
        words[at + BASE + 1] = upper;
      };
      this.define(
        `guest${name}Selector`,
        () => words[at + SELECTOR]!,
        (low) => {
          words[at + SELECTOR] = low & 0xffff;
        },
      );
      this.defineWord(`guest${name}Base`, at + BASE, segment >= FS);
      this.define(
        `guest${name}Limit`,
        () => words[at + LIMIT]!,
        (low) => renew(low, words[at + ATTRIBUTES]!),
      );
      this.define(
        `guest${name}Rights`,
        () => rightsOf(words[at + ATTRIBUTES]!),
        (low) => renew(words[at + LIMIT]!, attributesOf(low)),
      );
    }
    this.defineWord("guestGdtrBase", GDTR_BASE, true);
    this.defineWord("guestGdtrLimit", GDTR_LIMIT);
    this.defineWord("guestIdtrBase", IDTR_BASE, true);
    this.defineWord("guestIdtrLimit", IDTR_LIMIT);
  }

  private setPaging(word: number, value: number): void {
    const { words } = this.core;
    if (words[word] === value) return;
    words[word] = value;
    this.isPagingChanged = true;
  }

  /**
   * CR0 or CR4. The register holds what the guest believes: the field's bits where the mask is 0, the read shadow's where it
   * is 1 (25.6.6).
   */
  private defineMasked(name: FieldName, shadow: FieldName, mask: FieldName, word: number): void {
    const { words } = this.core;
    const maskOf = (): number => this.current.low(FIELD[mask]);
    const merge = (inMask: number, elsewhere: number): number =>
      (inMask & maskOf()) | (elsewhere & ~maskOf());
    this.define(
      name,
      () => merge(this.current.low(FIELD[name]), words[word]!),
      (low) => {
        this.current.set(FIELD[name], low);
        this.setPaging(word, merge(words[word]!, low));
      },
    );
    this.define(
      shadow,
      () => merge(words[word]!, this.current.low(FIELD[shadow])),
      (low) => {
        this.current.set(FIELD[shadow], low);
        this.setPaging(word, merge(low, words[word]!));
      },
    );
  }

  private defineRegisters(): void {
    const { core, registers } = this;
    this.defineMasked("guestCr0", "cr0Shadow", "cr0Mask", CR0_WORD);
    this.defineMasked("guestCr4", "cr4Shadow", "cr4Mask", CR4_WORD);
    this.define(
      "guestCr3",
      () => {
        const { current } = this;
        const isMonitors = ownsCr3(current.low(FIELD.processorControls));
        this.high = isMonitors ? current.high(FIELD.guestCr3) : core.words[CR3_WORD + 1]!;
        return isMonitors ? current.low(FIELD.guestCr3) : core.words[CR3_WORD]!;
      },
      (low, high) => {
        const { current } = this;
        current.set(FIELD.guestCr3, low, high);
        if (ownsCr3(current.low(FIELD.processorControls))) return;
        this.setPaging(CR3_WORD, low);
        this.setPaging(CR3_WORD + 1, high);
      },
    );
    // LME of a guest outside of IA-32e mode is what the guest believes; the field has what is real.
    this.define(
      "guestEfer",
      () => (core.words[EFER_WORD]! & ~EFER.LME) | (this.current.low(FIELD.guestEfer) & EFER.LME),
      (low) => {
        this.current.set(FIELD.guestEfer, low);
        const believed = (low & EFER.LMA) === 0 ? core.words[EFER_WORD]! : low;
        this.setPaging(EFER_WORD, (low & ~EFER.LME) | (believed & EFER.LME));
      },
    );
    this.defineWord("guestDr7", DR7_WORD, true);
    this.defineWord("guestRsp", RSP_WORD, true);
    this.defineWord("guestRip", RIP, true);
    this.define(
      "guestRflags",
      () => core.readFlags(),
      (low) => void core.writeFlags(low),
    );
    this.defineWord("guestSysenterCs", SYSENTER_CS);
    this.defineWord("guestSysenterEsp", SYSENTER_ESP, true);
    this.defineWord("guestSysenterEip", SYSENTER_EIP, true);
    for (let entry = 0; entry < PDPTES; entry++) {
      const word = REGISTER.pdptes + 2 * entry;
      this.define(
        `guestPdpte${entry as 0}`,
        () => {
          this.high = registers[word + 1]!;
          return registers[word]!;
        },
        (low, high) => {
          registers[word] = low;
          registers[word + 1] = high;
        },
      );
    }
  }

  private defineActivity(): void {
    const { core } = this;
    this.define(
      "guestInterruptibility",
      () => {
        const shadow = core.shadow;
        const by = shadow === SHADOW.interrupts ? BLOCKING.sti : BLOCKING.movSs;
        return (shadow === SHADOW.none ? 0 : by) | (core.nmiBlocked ? BLOCKING.nmi : 0);
      },
      (low) => {
        const isSti = (low & BLOCKING.sti) !== 0;
        core.shadow =
          (low & BLOCKING.movSs) !== 0 ? SHADOW.interruptsAndTraps : isSti ? SHADOW.interrupts : SHADOW.none;
        core.nmiBlocked = (low & BLOCKING.nmi) !== 0;
      },
    );
    this.define(
      "guestActivity",
      () =>
        core.activity === ACTIVITY.halted
          ? ACTIVITY_STATE.hlt
          : core.activity === ACTIVITY.shutdown
            ? ACTIVITY_STATE.shutdown
            : ACTIVITY_STATE.active,
      (low) => {
        core.activity =
          low === ACTIVITY_STATE.hlt
            ? ACTIVITY.halted
            : low === ACTIVITY_STATE.shutdown
              ? ACTIVITY.shutdown
              : ACTIVITY.active;
      },
    );
  }
}

/** Whether the guest's CR3 is the monitor's, so that the register shows only what the guest believes. */
const ownsCr3 = (processorControls: number): boolean => (processorControls & PROCESSOR.cr3LoadExiting) !== 0;
