/**
 * Translates one piece of a guest kernel: from an address to the next control transfer, at most twelve instructions, into code
 * that may run at CPL 1. Innocuous instructions stay as they are; the others become sequences (sequences.ts) or calls to
 * the monitor (Adams & Agesen, ASPLOS 2006, section 3: translation units, identical and non-identical translation).
 */
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, type MemoryReference, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { decode } from "../../machine/x86/decode.js";
import {
  type Instruction,
  NO_REGISTER,
  type RegisterOperand,
  SEGMENT,
} from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { invariant } from "../../util/errors.js";
import * as sequences from "./sequences.js";

/** Instructions of a unit at most, as in VMware's translator. */
const MOST_INSTRUCTIONS = 12;

/** Why translated code calls the monitor, by the place where it does. */
export type CallOut =
  /**
   * The instruction is to be done in the guest's stead. `next`: the guest's next one, if the unit goes on with it. What is done in
   * the cache needs nothing of the monitor's but what translated code can reach: the translator knew all else.
   */
  | {
      readonly kind: "emulate";
      readonly instruction: Instruction;
      readonly next: number | undefined;
      readonly isInCache: boolean;
    }
  /** A direct branch to what was not translated yet. `site`: address of its displacement, to be patched. */
  | { readonly kind: "link"; readonly guest: number; readonly site: number }
  /** An indirect branch that is not remembered; where to is in the data page. */
  | { readonly kind: "branch" }
  /** The guest's IF is set now, and an interrupt waits. */
  | { readonly kind: "pending" }
  /** A store that faulted often is about to be made, by the instruction at `copy`. */
  | {
      readonly kind: "store";
      readonly guest: number;
      readonly instruction: Instruction;
      readonly copy: number;
    }
  /** The unit that began at this place is no more (translation-cache.ts). */
  | { readonly kind: "gone"; readonly unit: Unit };

export interface Unit {
  /** Where it lies in the translation cache, and where what was translated does in the guest; linear. */
  readonly address: number;
  readonly guest: number;
  /** The guest's code that was translated. */
  readonly source: Uint8Array;
  readonly bytes: Uint8Array;
  readonly instructions: number;
  /** Where each instruction's translation begins; ascending. */
  readonly starts: readonly Start[];
  /** By the address of the call. */
  readonly callOuts: ReadonlyMap<number, CallOut>;
}

export interface Start {
  readonly address: number;
  /** The instruction's own address. */
  readonly guest: number;
  /** It is executed as it is and refers to memory: where it stores and faults it may be translated as a store. */
  readonly isPlainAccess: boolean;
}

export interface TranslationOptions {
  /** Where the unit will lie. */
  readonly address: number;
  /** The guest's bytes from an address: at least one instruction, unless fewer can be fetched. */
  readonly fetch: (guest: number) => Uint8Array;
  /** Where a guest address is translated, or undefined. */
  readonly find: (guest: number) => number | undefined;
  /** Whether a guest address's instruction is a store that faults often. */
  readonly isStore: (guest: number) => boolean;
}

/** A call-out before addresses are known: those of a link's site and of a store's copy are a label's. */
type Item =
  | Exclude<CallOut, { kind: "link" | "store" }>
  | Omit<Extract<CallOut, { kind: "link" }>, "site">
  | Omit<Extract<CallOut, { kind: "store" }>, "copy">;

/** Bytes of a near branch's displacement, which ends it. */
const DISPLACEMENT_BYTES = 4;

export function translateUnit(guest: number, options: TranslationOptions): Unit {
  return new UnitTranslation(guest, options).unit();
}

class UnitTranslation {
  private readonly code: Assembler;
  private readonly items: { readonly label: string; readonly after?: string; readonly item: Item }[] = [];
  private readonly startLabels: (Omit<Start, "address"> & { readonly label: string })[] = [];
  private at: number;
  private readonly source: number[] = [];
  private count = 0;
  /** IF was just set: what waits is looked at after the next instruction. */
  private checksPending = false;

  constructor(
    private readonly guest: number,
    private readonly options: TranslationOptions,
  ) {
    this.code = new Assembler({ bits: 32, origin: options.address });
    this.at = guest;
  }

  unit(): Unit {
    while (!this.step()) {
      // Until something ends the unit.
    }
    for (const { label, item } of [...this.items]) {
      if (item.kind !== "link") continue;
      this.code.label(label);
      sequences.callOut(this.code);
    }
    const { bytes, labels } = this.code.assemble();
    const address = (label: string): number => Number(labels.get(label)!);
    const callOuts = new Map<number, CallOut>();
    for (const { label, after, item } of this.items) {
      const place = address(label);
      if (item.kind === "link") callOuts.set(place, { ...item, site: address(after!) - DISPLACEMENT_BYTES });
      else if (item.kind === "store") callOuts.set(place, { ...item, copy: address(after!) });
      else callOuts.set(place, item);
    }
    return {
      address: this.options.address,
      guest: this.guest,
      source: Uint8Array.from(this.source),
      bytes,
      instructions: this.count,
      starts: this.startLabels.map(({ label, ...start }) => ({ ...start, address: address(label) })),
      callOuts,
    };
  }

  /** Translates the next instruction. Returns whether the unit is at its end. */
  private step(): boolean {
    const { at } = this;
    const bytes = this.options.fetch(at);
    const instruction = decode(bytes, 0, 32);
    if (this.count === MOST_INSTRUCTIONS || typeof instruction !== "object") {
      // What cannot be decoded or fetched is not translated with what comes before it.
      if (this.count > 0) {
        this.start(at);
        this.link(at);
      } else this.undefined(bytes);
      return true;
    }
    this.count++;
    this.start(at, isIdentical(instruction) && hasMemory(instruction));
    this.at = at + instruction.length;
    this.source.push(...bytes.subarray(0, instruction.length));
    const checks = this.checksPending;
    this.checksPending = false;
    if (checks && (isTransfer(instruction) || !isIdentical(instruction))) this.checkPending();
    const ends = this.translate(instruction, bytes.subarray(0, instruction.length));
    if (checks && !ends && !this.checksPending && isIdentical(instruction)) this.checkPending();
    return ends;
  }

  private start(guest: number, isPlainAccess = false): void {
    const label = this.code.unique("guest");
    this.code.label(label);
    this.startLabels.push({ label, guest, isPlainAccess });
  }

  /** Not an instruction: executing it raises #UD where the guest has it. */
  private undefined(bytes: Uint8Array): void {
    this.start(this.at);
    this.code.emit("ud2");
    this.source.push(...bytes);
  }

  private translate(instruction: Instruction, bytes: Uint8Array): boolean {
    const { code } = this;
    const { row } = instruction;
    if (isTransfer(instruction)) return this.transfer(instruction);
    switch (row.mnemonic) {
      case "CLI":
        sequences.clearInterrupts(code);
        return false;
      case "STI":
        sequences.setInterrupts(code);
        this.checksPending = true;
        return false;
      case "PUSHF":
        if (instruction.operandSize !== 4) break;
        sequences.pushFlags(code);
        return false;
      case "POPF":
        if (instruction.operandSize !== 4) break;
        sequences.popFlags(code);
        this.checkPending();
        return false;
      default:
        if (!isIdentical(instruction)) break;
        if (this.options.isStore(this.at - instruction.length) && hasMemory(instruction))
          this.store(instruction);
        code.bytes(bytes.slice());
        return false;
    }
    const ends = row.ends && !CONTINUING.has(row.mnemonic);
    const next = ends ? undefined : this.at;
    this.callOut({ kind: "emulate", instruction, next, isInCache: isDoneInCache(instruction) });
    return ends;
  }

  private transfer(instruction: Instruction): boolean {
    const { code, at } = this;
    const { row, operands } = instruction;
    const [operand] = operands;
    const isRelative = operand?.kind === "relative";
    const target = isRelative ? (at + operand.displacement) >>> 0 : 0;
    switch (row.mnemonic) {
      case "JMP":
        if (isRelative) this.link(target);
        else this.indirect(instruction);
        return true;
      case "CALL":
        if (isRelative) {
          code.emit("push", imm(at | 0, 4));
          this.link(target);
        } else this.indirect(instruction, at);
        return true;
      case "RET":
        this.return(instruction);
        return true;
      case "JCC":
        this.branchSite(`near ${row.name}`, target);
        this.link(at);
        return true;
      default: {
        // LOOP and JECXZ have short displacements alone.
        const taken = code.unique("taken");
        code.emit(row.name, taken);
        this.link(at);
        code.label(taken);
        this.link(target);
        return true;
      }
    }
  }

  /** JMP and CALL by a register or memory. @param back where a call comes back to. */
  private indirect(instruction: Instruction, back?: number): void {
    const { code } = this;
    sequences.noteTarget(code, targetOf(instruction));
    if (back !== undefined) sequences.pushBack(code, back);
    this.branch();
  }

  private return({ operands }: Instruction): void {
    const [operand] = operands;
    const released = 4 + (operand?.kind === "immediate" ? operand.value & 0xffff : 0);
    sequences.noteReturn(this.code, released);
    this.branch();
  }

  private branch(): void {
    const called = this.code.unique("called");
    sequences.branch(this.code, called);
    this.items.push({ label: called, item: { kind: "branch" } });
  }

  private checkPending(): void {
    const called = this.code.unique("called");
    sequences.checkPending(this.code, called);
    this.items.push({ label: called, item: { kind: "pending" } });
  }

  private callOut(item: Item): void {
    const called = this.code.unique("called");
    this.code.label(called);
    sequences.callOut(this.code);
    this.items.push({ label: called, item });
  }

  private store(instruction: Instruction): void {
    const label = this.code.unique("called");
    const after = this.code.unique("copy");
    this.code.label(label);
    sequences.callOut(this.code);
    this.code.label(after);
    const guest = this.at - instruction.length;
    this.items.push({ label, after, item: { kind: "store", guest, instruction } });
  }

  private link(guest: number): void {
    this.branchSite("near jmp", guest);
  }

  /** A direct branch: to the translation, or to where the monitor is called for it. */
  private branchSite(name: string, guest: number): void {
    const { code } = this;
    const known = this.options.find(guest);
    if (known !== undefined) {
      code.emit(name, known);
      return;
    }
    const label = code.unique("link");
    const after = code.unique("site");
    code.emit(name, label).label(after);
    this.items.push({ label, after, item: { kind: "link", guest } });
  }
}

const TRANSFERS: ReadonlySet<string> = new Set([
  "JMP",
  "CALL",
  "RET",
  "JCC",
  "LOOP",
  "LOOPE",
  "LOOPNE",
  "JCXZ",
  "JECXZ",
]);

/** The operand of an indirect branch, as the assembler takes it. */
function targetOf({ operands }: Instruction): RegisterOperand | MemoryReference {
  const [operand] = operands;
  invariant(operand !== undefined, "an indirect branch has an operand");
  if (operand.kind === "register") return operand;
  invariant(operand.kind === "memory", "an indirect branch goes by a register or memory");
  const { base, index, scale, displacement, segment } = operand;
  return mem(SIZES.dword, base === NO_REGISTER ? undefined : GENERAL[base]!, {
    ...(index === NO_REGISTER ? {} : { index: GENERAL[index]! }),
    scale,
    displacement,
    segment: SEGMENTS[segment]!,
  });
}

const { eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs } = REGISTERS;
const GENERAL = [eax, ecx, edx, ebx, esp, ebp, esi, edi];
const SEGMENTS = [es, cs, ss, ds, fs, gs];

const hasMemory = ({ operands }: Instruction): boolean => operands.some(({ kind }) => kind === "memory");

const isTransfer = ({ row, operandSize }: Instruction): boolean =>
  TRANSFERS.has(row.mnemonic) && row.event === "" && operandSize === 4;

/** May be executed at CPL 1 as it is: means there what it means at CPL 0, and does not use what is the monitor's. */
function isIdentical({ row, operands, operandSize }: Instruction): boolean {
  if (operands.some((operand) => operand.kind === "memory" && operand.segment === SEGMENT.GS)) return false;
  const segment = operands.find((operand) => operand.kind === "register" && operand.file === "segment");
  // Of the data segments' selectors CPL is no part.
  if (segment?.kind === "register" && PLAIN_SEGMENT_MOVES.has(row.mnemonic))
    return PLAIN_SEGMENTS.has(segment.number);
  const isNarrowTransfer = TRANSFERS.has(row.mnemonic) && operandSize !== 4;
  return row.sensitivity === "innocuous" && row.privilege === 3 && !isNarrowTransfer;
}

/** They end a block where code executes them, but go on with the next instruction and change nothing that a unit relies on. */
const CONTINUING: ReadonlySet<string> = new Set(["IN", "OUT", "CLTS", "CPUID", "RDMSR", "WRMSR", "INVLPG"]);

/**
 * Whether an instruction that is not executed as it is is done without leaving the cache: reading the guest's control registers,
 * and ports whose number is in the instruction, so that the translator finds the device.
 */
function isDoneInCache({ row, operands }: Instruction): boolean {
  const [to, from] = operands;
  switch (row.mnemonic) {
    case "IN":
      return from?.kind === "immediate";
    case "OUT":
      return to?.kind === "immediate";
    case "MOV":
      return from?.kind === "register" && from.file === "control";
    default:
      return row.mnemonic === "SMSW";
  }
}

const PLAIN_SEGMENT_MOVES: ReadonlySet<string> = new Set(["MOV", "PUSH", "POP"]);
const PLAIN_SEGMENTS: ReadonlySet<number> = new Set([SEGMENT.ES, SEGMENT.DS, SEGMENT.FS]);
