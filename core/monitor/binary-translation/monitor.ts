/**
 * Binary translation of a guest's kernel, VMware's way: what the guest would execute at CPL 0 is translated piece by piece into
 * a cache in the monitor's own addresses, and executed there at CPL 1; what it executes at CPL 3 runs directly. Nothing
 * that is sensitive is ever executed as it is, whether it would trap or not. 64-bit kernels are translated where the processor
 * has segment limits in 64-bit mode (cpu/long-limits.ts).
 *
 *      user code ←── direct ──→ machine ←── translated ──→ translation cache ── call-out ──→ monitor
 *
 * Adams & Agesen, ASPLOS 2006, section 3; Agesen et al., "The evolution of an x86 virtual machine monitor", OSR 2010.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import { addressOf, type Gfn, type Gva, highHalf, lowHalf } from "../../machine/address.js";
import type { Outcome } from "../../machine/board.js";
import { isNull } from "../../machine/cpu/descriptor.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { linearOfOperand } from "../../machine/cpu/operands.js";
import {
  ATTRIBUTES,
  BASE,
  DR6_WORD,
  FLAGS,
  FLAT,
  HIGHEST,
  LOWEST,
  RIP,
  RIP_HIGH,
  SEGMENT_WORDS,
  SELECTOR,
  segmentWord,
} from "../../machine/cpu/places.js";
import { CODE_16, CS, EXCEPTION, GS, MODE, RFLAGS, SS, STATE } from "../../machine/cpu/state.js";
import { PF_FETCH, PF_PRESENT, PF_WRITE } from "../../machine/mmu/entry.js";
import { decode } from "../../machine/x86/decode.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { DeprivilegedMonitor, type Left } from "../deprivileged/monitor.js";
import { mayReachWindow } from "../deprivileged/window-reach.js";
import type { ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import type { MonitorParts } from "../virtual-computer.js";
import { addressIn, type CodeWidth, WIDTH_32, WIDTH_64, windowAddressIn } from "./code-width.js";
import { DATA_BYTES, DATA_PAGES, DataPages } from "./data-pages.js";
import { GuestCode } from "./guest-code.js";
import { memoryOf } from "./instruction-kinds.js";
import { SegmentLimits } from "./segment-limits.js";
import { CALL_OUT_VECTOR } from "./sequences.js";
import { StoreHistory } from "./store-history.js";
import { type CallOut, translateUnit, type Unit } from "./translate.js";
import { CALL_OUT_BYTES, TranslationCache } from "./translation-cache.js";
import { Sequences } from "./unit-code.js";

export interface BinaryTranslationOptions {
  readonly shadow: Omit<ShadowedPagingOptions, "reserved">;
  /** Of the translation cache, 4 KiB pages. */
  readonly cachePages: number;
  /** Let direct branches go from unit to unit without the monitor. */
  readonly chaining: boolean;
  /** Translate stores that fault often into calls of the monitor. */
  readonly adaptive: boolean;
  /** Let the IRET of 32-bit kernels return to programs without the monitor. */
  readonly returnsInCache: boolean;
}

/** Of the x87 unit's last instruction, two words. */
const X87_POINTER = STATE.x87Pointer / 4;
/** As VMware's monitor did: 64-bit guests need "revision D" of AMD's (VMware, knowledge base 1003945), or VT-x on Intel's. */
const NO_LONG_LIMITS =
  "a binary translator keeps its memory from translated code by segment limits, which this processor has not in 64-bit mode (EFER.LMSLE)";
const PROGRAM_RING = 3;
/** What a reference beyond a limit raises. */
const LIMIT_FAULTS: ReadonlySet<number> = new Set([EXCEPTION.GP, EXCEPTION.SS]);

export class BinaryTranslationMonitor extends DeprivilegedMonitor {
  readonly cache: TranslationCache;
  private readonly data: DataPages;
  /** The guest's kernel was entered, translated. It may have returned to a program since, without the monitor. */
  private hasEntered = false;
  /** The guest's GS while translated code uses the register for the monitor's data. */
  private readonly guestGs = new Int32Array(SEGMENT_WORDS);
  /** Where the monitor was called. */
  private called: number | undefined;
  /** Where the guest goes on if its next instruction is this one: a call-out that needs no look-up. */
  private resumption: { readonly guest: number; readonly address: number } | undefined;
  private readonly stores = new StoreHistory();
  private sequences = new Sequences(WIDTH_32);
  private readonly sequencesByWidth = new Map([[WIDTH_32, this.sequences]]);
  private readonly limits: SegmentLimits;
  private readonly code: GuestCode;
  /** Units that may not be executed again. */
  private readonly stale = new Set<Unit>();
  /** None may. */
  private isAllStale = false;
  private pagingTranslated = 0;
  /** The guest's DR6 while translated code runs. */
  private debugStatus = 0;
  /** Translated code has set TF. */
  private isTraced = false;

  constructor(
    parts: MonitorParts,
    private readonly options: BinaryTranslationOptions,
  ) {
    super(parts, options.shadow, true);
    this.limits = new SegmentLimits(parts.hardware.machine.code!.cpu.words);
    const data = this.window.add(DATA_PAGES, true);
    this.data = new DataPages(parts.hardware.machine, data.address, data.frames);
    const { address, frames } = this.window.add(options.cachePages, false);
    this.cache = new TranslationCache(parts.hardware, address, frames);
    this.code = new GuestCode(this.ram, this.paging, (frame) => this.gdt.isIn(frame));
  }

  // Into and out of translated code.

  /** The guest's kernel is running, translated. */
  private get isTranslated(): boolean {
    return this.hasEntered && this.core.cpl !== PROGRAM_RING;
  }

  /** Where the guest's kernel has returned to a program: the state is that program's. */
  private noteReturn(): void {
    if (!this.hasEntered || this.isTranslated) return;
    this.hasEntered = false;
    this.state.setVirtualFlags(RFLAGS.IF | this.data.programPrivilege);
  }

  protected override expose(): void {
    this.noteReturn();
    if (this.isTranslated) {
      const { words } = this.core;
      this.parts.hardware.engine.endBlock();
      this.setGuestIp(this.cache.startOf(this.address).guest);
      this.noteX87Pointer();
      words.set(this.guestGs, segmentWord(GS));
      if (this.width === WIDTH_64) this.limits.unlimit();
      this.state.setVirtualFlags((this.data.interruptFlag ? RFLAGS.IF : 0) | this.data.privilegeLevel);
      this.hasEntered = false;
    }
    super.expose();
  }

  /** Where the last instruction of the x87 unit was is the guest's address of it from now on, if it was in the cache. */
  private noteX87Pointer(): void {
    const { words } = this.core;
    const low = words[X87_POINTER]! >>> 0;
    const isPlaced = addressOf(words[X87_POINTER + 1]!, low | 0) === windowAddressIn(this.width, low);
    if (!isPlaced || !this.cache.contains(low)) return;
    const { guest } = this.cache.startOf(low);
    words[X87_POINTER] = lowHalf(guest);
    words[X87_POINTER + 1] = highHalf(guest);
  }

  protected override conceal(): void {
    if (!this.state.isExposed) return;
    const { core, system } = this;
    if (core.cpl !== 0 || system.isHalted || system.isShutDown) {
      super.conceal();
      return;
    }
    this.useWidth(core.is64BitCode ? WIDTH_64 : WIDTH_32);
    if (this.isInterpreted) {
      this.resumption = undefined;
      this.leave();
      return;
    }
    const guest = this.guestIp;
    const { resumption } = this;
    this.resumption = undefined;
    const address = resumption?.guest === guest ? resumption.address : this.translated(guest);
    if (address === undefined) this.fetchFault(guest);
    else this.enter(address);
  }

  /**
   * While TF is set or a breakpoint enabled, the guest's kernel is interpreted: translated code has other addresses and other
   * instructions. So is its 32-bit code in IA-32e mode, on the way to 64-bit code: compatibility mode does not reach the end of the
   * address space, where translations are.
   */
  private get isInterpreted(): boolean {
    const { core, state } = this;
    const isCompatibility = core.isLong && !core.is64BitCode;
    return state.isExposed && core.cpl === 0 && (isCompatibility || (core.mode & MODE.singleStep) !== 0);
  }

  /** Of the guest's kernel: that what it executes is where its RIP says, in code of 32 or 64 bits. */
  private requireFlatCode(): void {
    const { core } = this;
    const isNarrow = (core.mode & MODE.codeSize) === CODE_16;
    if (isNarrow || (!core.is64BitCode && core.words[segmentWord(CS) + BASE] !== 0))
      throw new UnsupportedError("a binary translator's guest has flat code segments, of 32 or 64 bits");
  }

  private enter(address: number): void {
    const { words } = this.core;
    this.debugStatus = words[DR6_WORD]!;
    const isLong = this.width === WIDTH_64;
    this.requireFlatCode();
    const flags = this.state.virtualFlags;
    this.data.interruptFlag = (flags & RFLAGS.IF) !== 0;
    this.data.privilegeLevel = flags & RFLAGS.IOPL;
    this.lookForInterrupt();
    this.guestGs.set(words.subarray(segmentWord(GS), segmentWord(GS) + SEGMENT_WORDS));
    super.conceal();
    this.hasEntered = true;
    if (isLong) this.limits.limit();
    const gs = segmentWord(GS);
    this.data.setReturn(!this.mayReturn(gs), words[gs + SELECTOR]!);
    words.set(words.subarray(segmentWord(SS), segmentWord(SS) + SEGMENT_WORDS), gs);
    words[gs + BASE] = this.data.address | 0;
    words[gs + BASE + 1] = isLong ? -1 : 0;
    words[gs + LOWEST] = 0;
    words[gs + HIGHEST] = DATA_BYTES - 1;
    words[gs + FLAT] = 0;
    this.goOnAt(address);
    this.core.updateMode();
  }

  /**
   * Whether IRET at CPL 1 to a program leaves what it would at CPL 0: the guest's GS, at its first word, is what loading its
   * selector makes it (null; AMD's keep their base), and no flag is set that only CPL 0 takes back.
   */
  private mayReturn(gs: number): boolean {
    const { words, processor } = this.core;
    const isReloadable = processor.isIntel && words[gs + ATTRIBUTES] === 0 && isNull(words[gs + SELECTOR]!);
    return isReloadable && (words[FLAGS]! & (RFLAGS.VIF | RFLAGS.VIP)) === 0;
  }

  private get width(): CodeWidth {
    return this.sequences.width;
  }

  /** Has code of a width translated from now on; what was of another means nothing any more. */
  private useWidth(width: CodeWidth): void {
    if (width === this.width) return;
    if (width === WIDTH_64 && !this.core.processor.features.has("LMSLE"))
      throw new UnsupportedError(NO_LONG_LIMITS);
    const sequences = this.sequencesByWidth.get(width) ?? new Sequences(width);
    this.sequencesByWidth.set(width, sequences);
    this.sequences = sequences;
    this.flush();
  }

  /** RIP as the guest has it, while that is in the register; as code of the present width. */
  private get guestIp(): number {
    const { words } = this.core;
    return addressIn(this.width, addressOf(words[RIP_HIGH]!, words[RIP]!));
  }
  private setGuestIp(guest: number): void {
    this.core.jump(lowHalf(guest), highHalf(guest));
  }

  /** Where translated code is, by the low half of its address. */
  private get address(): number {
    return this.core.words[RIP]! >>> 0;
  }
  private goOnAt(address: number): void {
    this.setGuestIp(windowAddressIn(this.width, address));
  }

  override hasInterrupt(): boolean {
    if (!this.hasEntered) return super.hasInterrupt();
    return this.hasPending && (this.data.interruptFlag || !this.isTranslated);
  }

  override due(now: number): void {
    super.due(now);
    if (!this.isTranslated) return;
    this.lookForInterrupt();
    // A device has written where code was translated.
    if (this.isStale || this.gdt.isStale) this.leave();
  }

  /** Has translated code call the monitor when it sets IF and an interrupt waits; while IF is set the engine looks itself. */
  private lookForInterrupt(): void {
    this.data.pending = this.hasPending && !this.data.interruptFlag;
  }

  // Translating.

  /** Where a guest address is translated, translating it if need be; undefined when the guest may not fetch there. */
  private translated(guest: number): number | undefined {
    const { engine, machine } = this.parts.hardware;
    const { events } = machine.counters;
    events[EVENT.translation_lookups]!++;
    engine.charge(CYCLES.translator, this.costs.translate_lookup);
    const known = this.cache.find(guest);
    if (known !== undefined) return known.address;
    if (this.paging.fault(guest, PF_FETCH) === "true") return undefined;
    for (;;) {
      const unit = translateUnit(guest, {
        address: this.cache.next,
        sequences: this.sequences,
        fetch: (at) => this.fetch(at),
        find: (target) => (this.options.chaining ? this.cache.find(target)?.address : undefined),
        isStore: (at) => this.stores.isFrequent(at),
        returnsInCache: this.options.returnsInCache,
      });
      engine.charge(CYCLES.translator, unit.instructions * this.costs.translate_instruction);
      events[EVENT.translated_units]!++;
      events[EVENT.translated_instructions]! += unit.instructions;
      if (this.cache.add(unit)) {
        this.code.add(unit);
        return unit.address;
      }
      this.flush();
    }
  }

  /** Every translation is forgotten. Only while none is running. */
  private flush(): void {
    this.cache.clear();
    this.data.useWidth(this.width);
    this.code.clear();
    this.resumption = undefined;
    this.parts.hardware.machine.counters.events[EVENT.translation_flushes]!++;
  }

  /** The guest's kernel goes where it may not fetch. */
  private fetchFault(guest: number): void {
    this.core.faultAddress = guest;
    this.system.inject(EXCEPTION.PF, this.paging.errorCode);
    this.exit(EXIT.page_fault_true, 0, this.costs.shadow_true_fault);
  }

  // What leaves.

  override softwareInterrupt(vector: number): boolean {
    if (!this.isTranslated) return super.softwareInterrupt(vector);
    invariant(vector === CALL_OUT_VECTOR, "translated code has no other INT n");
    this.called = this.address;
    const { performing } = this.core;
    return this.note({ kind: "instruction", instruction: performing! });
  }

  override exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean {
    if (vector !== EXCEPTION.DB || !this.isTranslated) return super.exception(vector, errorCode, during);
    // Of the cache's instruction behind a POPF, not yet the guest's.
    this.core.words[DR6_WORD] = this.debugStatus;
    this.isTraced = true;
    return this.note({ kind: "nothing" });
  }

  override handle(): Outcome | undefined {
    const outcome = super.handle();
    // What the guest fetched may be missing: the fault was delivered, and its handler is translated now.
    while (this.state.isExposed && !this.system.hasExited) this.conceal();
    // A device that was reached may have raised its interrupt.
    if (this.isTranslated) this.lookForInterrupt();
    return outcome;
  }

  protected override finish(): void {
    // Where paging is another, so may be what addresses mean.
    if (this.pagingTranslated !== this.paging.generation) {
      this.pagingTranslated = this.paging.generation;
      this.isAllStale = true;
    }
    if (this.isStale || this.gdt.isStale) {
      this.completeInstruction();
      if (this.system.hasExited) return;
    }
    if (this.isStale) this.dropStale();
    super.finish();
  }

  private get isStale(): boolean {
    return this.isAllStale || this.stale.size > 0;
  }

  /** Forgets what is stale, and goes on in the guest where it is. */
  private dropStale(): void {
    if (this.isTranslated) this.expose();
    const { events } = this.parts.hardware.machine.counters;
    if (this.isAllStale) this.flush();
    else
      for (const unit of this.stale) {
        this.cache.drop(unit);
        this.code.remove(unit);
        events[EVENT.translations_dropped]!++;
        if (this.resumption !== undefined && this.cache.unitAt(this.resumption.address) === unit)
          this.resumption = undefined;
      }
    this.isAllStale = false;
    this.stale.clear();
  }

  protected override dispatch(left: Left): void {
    this.noteReturn();
    const { called } = this;
    if (called !== undefined) {
      this.callOut(called);
      this.called = undefined;
    } else if (left.kind === "interrupt") this.interrupted(left);
    else if (left.kind === "nothing" && this.isTraced) this.endTranslated();
    else if (left.kind === "nothing" && this.isInterpreted) this.interpret();
    else if (this.isTranslated && this.width === WIDTH_64 && isLimitFault(left)) this.redo();
    else super.dispatch(left);
  }

  /**
   * Goes on to the end of what translates the guest's present instruction: in its midst part of it has been done, and the
   * guest has no state to go back to. It may leave for the monitor meanwhile.
   */
  private completeInstruction(): void {
    this.parts.hardware.engine.endBlock();
    while (this.isTranslated && !this.system.hasExited && !this.isAtStart) this.step();
  }

  /** TF is set: what translates the guest's instruction that set it is completed, and the next one is interpreted. */
  private endTranslated(): void {
    const { core } = this;
    this.isTraced = false;
    core.setSystemFlags(RFLAGS.TF, 0);
    core.updateMode();
    this.completeInstruction();
    core.setSystemFlags(0, RFLAGS.TF);
    core.updateMode();
    if (!this.system.hasExited) this.expose();
  }

  /** The guest's next instruction, at CPL 0 with its own state, or an event that comes before it. */
  private interpret(): void {
    const { system, costs } = this;
    const { hardware, board } = this.parts;
    const now = hardware.engine.now();
    if (board.pc.schedule.next <= now) {
      this.due(now);
      return;
    }
    if (this.hasPending && system.interrupt()) return;
    this.requireFlatCode();
    const guest = this.guestIp;
    if (system.meetsBreakpoint()) this.exit(EXIT.exception, 0, costs.trap_dispatch);
    else if (this.paging.fault(guest, PF_FETCH) === "true") this.fetchFault(guest);
    else {
      const hadShadow = system.hasShadow;
      system.endsShadow = hadShadow;
      this.interpretInstruction(decode(this.fetch(guest), 0, this.width.bits));
      system.endsShadow = false;
      if (hadShadow && !system.hasExited) system.clearShadow();
    }
  }

  private interpretInstruction(instruction: ReturnType<typeof decode>): void {
    const { costs } = this;
    const isSystem =
      typeof instruction === "object" && instruction.row.event !== "" && this.system.performs(instruction);
    const { reason, work } = isSystem ? this.priceOf(instruction) : { reason: EXIT.privileged, work: 0 };
    if (isSystem) this.emulateExposed(instruction);
    else this.stepExposed(typeof instruction === "object" ? instruction : undefined);
    const price = costs.decode_instruction + costs.emulate_instruction + work;
    this.exit(reason === EXIT.privileged ? EXIT.call_out : reason, 0, price);
    if (MOVES_CODE.has(reason)) for (const unit of this.code.moved()) this.stale.add(unit);
  }

  /** An interrupt is taken between two of the guest's instructions. */
  private interrupted(left: Left): void {
    this.completeInstruction();
    if (this.system.hasExited) return;
    // What was finished may have cleared IF.
    if (this.hasInterrupt()) super.dispatch(left);
    else this.lookForInterrupt();
  }

  private get isAtStart(): boolean {
    return this.cache.startOf(this.address).address === this.address;
  }

  private callOut(address: number): void {
    const call = this.cache.callOutAt(address);
    invariant(call !== undefined, "the monitor is called where it said so", () => ({ address }));
    switch (call.kind) {
      case "emulate":
        this.emulateCalled(call, address);
        return;
      case "link":
        this.link(call);
        return;
      case "branch":
        this.branch();
        return;
      case "pending":
        // If IF is set the engine looks for interrupts at the next block.
        this.charge(EXIT.call_out, 0);
        this.lookForInterrupt();
        this.goOnAt(address + CALL_OUT_BYTES);
        return;
      case "store":
        this.store(call);
        return;
      case "gone":
        this.replace(call.unit);
        return;
    }
  }

  private emulateCalled(
    { instruction, next, isInCache }: Extract<CallOut, { kind: "emulate" }>,
    address: number,
  ): void {
    this.expose();
    if (next !== undefined) this.resumption = { guest: next, address: address + CALL_OUT_BYTES };
    if (this.system.performs(instruction)) this.emulateExposed(instruction);
    else this.stepExposed(instruction);
    if (isInCache) this.chargeInCache(0);
    else {
      const { reason, work } = this.priceOf(instruction);
      this.charge(reason === EXIT.privileged ? EXIT.call_out : reason, work);
      if (MOVES_CODE.has(reason)) for (const unit of this.code.moved()) this.stale.add(unit);
    }
  }

  /**
   * What is no system instruction, but shows a privilege or uses the monitor's GS, is executed at CPL 0, out of reach of the
   * monitor's addresses.
   */
  private stepExposed(instruction: Instruction | undefined): void {
    const { isLong } = this.core;
    if (instruction === undefined ? isLong : this.mayReach(instruction)) {
      if (!isLong) this.restoreSegments();
      this.stepWithoutWindow();
    } else {
      if (!isLong) this.truncate();
      this.step();
    }
  }

  private mayReach(instruction: Instruction): boolean {
    this.noteNext(this.guestIp + instruction.length);
    return mayReachWindow(this.core, instruction);
  }

  /** What a RIP-relative operand counts from. */
  private noteNext(guest: number): void {
    this.core.nextLow = lowHalf(guest);
    this.core.nextHigh = highHalf(guest);
  }

  /**
   * Translated code of 64 bits raised what a reference beyond a limit raises. On the guest's own processor there is no limit: it
   * does the instruction again, as if the window were not there.
   */
  private redo(): void {
    this.expose();
    const instruction = decode(this.fetch(this.guestIp), 0, this.width.bits);
    if (typeof instruction === "object" && this.system.performs(instruction))
      this.emulateExposed(instruction);
    else this.stepWithoutWindow();
    this.exit(EXIT.exception, this.trapCost, this.costs.trap_dispatch + this.costs.decode_instruction);
  }

  private link({ guest, site }: Extract<CallOut, { kind: "link" }>): void {
    this.charge(EXIT.translation, 0);
    const { generation } = this.cache;
    const target = this.goTo(guest);
    if (target !== undefined && this.options.chaining && this.cache.generation === generation)
      this.cache.patch(site, target);
  }

  /** A unit that was dropped is gone to: from now on its successor is. */
  private replace(unit: Unit): void {
    this.charge(EXIT.translation, 0);
    const { generation } = this.cache;
    const target = this.goTo(unit.guest);
    if (target !== undefined && this.cache.generation === generation) this.cache.forward(unit, target);
  }

  private branch(): void {
    const { target: guest } = this.data;
    this.charge(EXIT.translation, 0);
    const target = this.goTo(guest);
    if (target !== undefined) this.data.branches.remember(guest, target);
  }

  /** Goes on in the translation of a guest address, and returns where that is. */
  private goTo(guest: number): number | undefined {
    const target = this.translated(guest);
    if (target !== undefined) {
      this.goOnAt(target);
      return target;
    }
    this.expose();
    this.setGuestIp(guest);
    this.fetchFault(guest);
    return undefined;
  }

  /** A store that would fault on a guarded page is made without the fault. */
  private store({ guest, instruction, copy }: Extract<CallOut, { kind: "store" }>): void {
    this.goOnAt(copy);
    const operand = memoryOf(instruction);
    invariant(operand !== undefined, "a store has an operand in memory");
    this.noteNext(guest + instruction.length);
    const linear = linearOfOperand(this.core, instruction, operand);
    const isGuarded = this.paging.fault(linear, PF_WRITE | PF_PRESENT) === "guarded";
    if (isGuarded) this.writeGuarded(linear, () => this.step());
    this.chargeInCache(isGuarded ? this.costs.shadow_fill_entry : 0);
    if (this.stores.noteUse(guest, isGuarded)) this.stale.add(this.cache.unitAt(copy)!);
  }

  protected override writeGuarded(linear: Gva, step: () => void): void {
    const { frame } = this.paging;
    if (this.isTranslated && this.called === undefined) this.noteFault();
    super.writeGuarded(linear, step);
    this.codeWritten(frame);
  }

  protected override unguarded(frame: Gfn): void {
    for (const unit of this.code.in(frame)) this.stale.add(unit);
  }

  protected override written(frame: Gfn): void {
    super.written(frame);
    this.codeWritten(frame);
  }

  private codeWritten(frame: Gfn): void {
    for (const unit of this.code.changedIn(frame)) this.stale.add(unit);
  }

  /** A store of translated code faulted: where it does so often it is translated anew. */
  private noteFault(): void {
    if (!this.options.adaptive) return;
    const unit = this.cache.unitAt(this.address)!;
    const { guest, isPlainAccess } = this.cache.startOf(this.address);
    if (isPlainAccess && this.stores.noteFault(guest)) this.stale.add(unit);
  }

  /** A call-out: into the monitor and back. */
  private charge(reason: number, work: number): void {
    const { software_interrupt, interrupt_return, trap_dispatch } = this.costs;
    this.exit(reason, software_interrupt + interrupt_return, trap_dispatch + work);
  }

  /**
   * What is done within the cache is translated code, and the guest's: VMware's translator emits it in place. Here the monitor does
   * it. @param work cycles besides the emulation of an instruction.
   */
  private chargeInCache(work: number): void {
    const { engine, machine } = this.parts.hardware;
    const { emulate_register } = this.costs;
    machine.counters.events[EVENT.in_cache_emulations]!++;
    engine.charge(CYCLES.guest_kernel, emulate_register + work + this.takeWork());
  }
}

const isLimitFault = (left: Left): boolean => left.kind === "exception" && LIMIT_FAULTS.has(left.vector);

/** After these an address may lead to other code. */
const MOVES_CODE: ReadonlySet<number> = new Set([EXIT.cr3_load, EXIT.invlpg]);
