/**
 * Translates one piece of a guest kernel: from an address to the next control transfer, at most twelve instructions, into code
 * that may run at CPL 1. Innocuous instructions stay as they are; the others become sequences (sequences.ts) or calls to
 * the monitor (Adams & Agesen, ASPLOS 2006, section 3: translation units, identical and non-identical translation).
 */
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
import { FIELD_BYTES, type Sequences, UnitCode, type Writer } from "./unit-code.js";

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
  /** What has been assembled for units already. */
  readonly sequences: Sequences;
  /** The guest's bytes from an address: at least one instruction, unless fewer can be fetched. */
  readonly fetch: (guest: number) => Uint8Array;
  /** Where a guest address is translated, or undefined. */
  readonly find: (guest: number) => number | undefined;
  /** Whether a guest address's instruction is a store that faults often. */
  readonly isStore: (guest: number) => boolean;
}

export function translateUnit(guest: number, options: TranslationOptions): Unit {
  return new UnitTranslation(guest, options).unit();
}

class UnitTranslation {
  private readonly code: UnitCode;
  private readonly callOuts = new Map<number, CallOut>();
  /** Branches to what was not translated yet: ends of their displacements, and where they go. */
  private readonly links: { readonly end: number; readonly guest: number }[] = [];
  private readonly starts: Start[] = [];
  private at: number;
  private readonly source: number[] = [];
  private count = 0;
  /** IF was just set: what waits is looked at after the next instruction. */
  private checksPending = false;

  constructor(
    private readonly guest: number,
    private readonly options: TranslationOptions,
  ) {
    this.code = new UnitCode(options.address);
    this.at = guest;
  }

  unit(): Unit {
    while (!this.step()) {
      // Until something ends the unit.
    }
    const { code } = this;
    for (const { end, guest } of this.links) {
      const place = this.putCallOut();
      code.setTarget(end, place);
      this.callOuts.set(place, { kind: "link", guest, site: end - FIELD_BYTES });
    }
    return {
      address: this.options.address,
      guest: this.guest,
      source: Uint8Array.from(this.source),
      bytes: code.take(),
      instructions: this.count,
      starts: this.starts,
      callOuts: this.callOuts,
    };
  }

  /** Writes a sequence. Returns the address that it marks. @param key says all that it depends on. */
  private put(key: string, write: Writer): number {
    return this.code.put(this.options.sequences.of(key, write));
  }

  /** The same; the address is of a call of the monitor, for this reason. */
  private putCalling(callOut: CallOut, key: string, write: Writer): void {
    this.callOuts.set(this.put(key, write), callOut);
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
    this.starts.push({ address: this.code.address, guest, isPlainAccess });
  }

  /** Not an instruction: executing it raises #UD where the guest has it. */
  private undefined(bytes: Uint8Array): void {
    this.start(this.at);
    this.put("undefined", (code) => code.emit("ud2"));
    this.source.push(...bytes);
  }

  private translate(instruction: Instruction, bytes: Uint8Array): boolean {
    const { row } = instruction;
    if (isTransfer(instruction)) return this.transfer(instruction);
    switch (row.mnemonic) {
      case "CLI":
        this.put("CLI", sequences.clearInterrupts);
        return false;
      case "STI":
        this.put("STI", sequences.setInterrupts);
        this.checksPending = true;
        return false;
      case "PUSHF":
        if (instruction.operandSize !== 4) break;
        this.put("PUSHF", sequences.pushFlags);
        return false;
      case "POPF":
        if (instruction.operandSize !== 4) break;
        this.put("POPF", sequences.popFlags);
        this.checkPending();
        return false;
      default:
        if (!isIdentical(instruction)) break;
        if (this.options.isStore(this.at - instruction.length) && hasMemory(instruction))
          this.store(instruction);
        this.code.copy(bytes);
        return false;
    }
    const ends = row.ends && !CONTINUING.has(row.mnemonic);
    const next = ends ? undefined : this.at;
    this.callOut({ kind: "emulate", instruction, next, isInCache: isDoneInCache(instruction) });
    return ends;
  }

  private transfer(instruction: Instruction): boolean {
    const { at } = this;
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
          this.push(at);
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
        const notTaken = this.put(`${row.name} over`, (code) =>
          code.emit(row.name, "taken").emit("near jmp", 0).label("taken"),
        );
        this.linkAt(notTaken, at);
        this.link(target);
        return true;
      }
    }
  }

  /** JMP and CALL by a register or memory. @param back where a call comes back to. */
  private indirect(instruction: Instruction, back?: number): void {
    const target = targetOf(instruction);
    this.put(`target ${keyOf(target)}`, (code) => sequences.noteTarget(code, target));
    if (back !== undefined) {
      this.put("take back", sequences.takeBack);
      this.push(back);
      this.put("take target", sequences.takeTarget);
    }
    this.branch();
  }

  private return({ operands }: Instruction): void {
    const [operand] = operands;
    const released = 4 + (operand?.kind === "immediate" ? operand.value & 0xffff : 0);
    this.put(`return ${released}`, (code) => sequences.noteReturn(code, released));
    this.branch();
  }

  private branch(): void {
    this.putCalling({ kind: "branch" }, "branch", sequences.branch);
  }

  private checkPending(): void {
    this.putCalling({ kind: "pending" }, "pending", sequences.checkPending);
  }

  private putCallOut(): number {
    const place = this.code.address;
    this.put("call-out", sequences.callOut);
    return place;
  }

  private callOut(callOut: CallOut): void {
    this.callOuts.set(this.putCallOut(), callOut);
  }

  private store(instruction: Instruction): void {
    const place = this.putCallOut();
    const guest = this.at - instruction.length;
    this.callOuts.set(place, { kind: "store", guest, instruction, copy: this.code.address });
  }

  private push(value: number): void {
    const end = this.put("push", (code) => code.emit("push", imm(0, FIELD_BYTES)));
    this.code.setField(end, value);
  }

  private link(guest: number): void {
    this.branchSite("near jmp", guest);
  }

  /** A direct branch: to the translation, or to where the monitor is called for it. */
  private branchSite(name: string, guest: number): void {
    this.linkAt(
      this.put(name, (code) => code.emit(name, 0)),
      guest,
    );
  }

  /** The same of a branch that was written. @param end of its displacement. */
  private linkAt(end: number, guest: number): void {
    const known = this.options.find(guest);
    if (known === undefined) this.links.push({ end, guest });
    else this.code.setTarget(end, known);
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

/** Says all that code which uses an operand depends on. */
const keyOf = (operand: RegisterOperand | MemoryReference): string =>
  operand.kind === "register"
    ? `${operand.number}`
    : [operand.base, operand.index, operand.segment].map((register) => register?.number).join() +
      ` ${operand.scale} ${operand.displacement.constant}`;

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
