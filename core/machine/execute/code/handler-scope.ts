/**
 * The interpreter's scope: emits one handler, a function that executes any instruction of a shape. Registers, flags and
 * operands are in linear memory; which registers and what immediate, the instruction's record says (record.ts).
 */
import { hasLongLimit } from "../../cpu/long-limits.js";
import { ARITHMETIC_FLAGS, CODE_64, MODE, SS, STATE, segmentOffset } from "../../cpu/state.js";
import {
  add,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAtMost,
  floatSubtract,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  load,
  loadFloat,
  set,
  store,
  storeFloat,
  tailCall,
  type ValueType,
} from "../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../wasm/integers.js";
import type { FunctionBuilder } from "../../wasm/module.js";
import type { Instruction, MemoryOperand, Operand } from "../../x86/instruction.js";
import { FLAG_CONDITIONS } from "./conditions.js";
import { EXIT } from "./exits.js";
import { asLong, type FlagOperation, type FlagScope, flagKind, NotedFlags } from "./flags.js";
import { immediatePlace, LINKABLE, RECORD, RECORD_BYTES } from "./record.js";
import { ACCESS, accessOf } from "./runtime/contract.js";
import type { AccessOptions, Scope } from "./scope.js";
import { loadOf, loadState, type StateType, storeOf, storeState } from "./sized-access.js";

/** What handlers call. */
export interface HandlerImports {
  readonly accessSegment: FunctionReference;
  readonly accessLimited: FunctionReference;
  readonly commit: FunctionReference;
  readonly flags: FunctionReference;
  readonly carry: FunctionReference;
  readonly dispatch: FunctionReference;
  readonly execute: FunctionReference;
}

/** Addresses and prices that are constants of the machine. */
export interface HandlerPlaces {
  /** The CPU's state. */
  readonly base: number;
  /** Cycles of one iteration of a repeated string instruction. */
  readonly iterationCost: number;
}

/** Value type of an operand's size. */
export const typeOf = (size: number): "i32" | "i64" | "v128" =>
  size === 16 ? "v128" : size === 8 ? "i64" : "i32";

/** Bytes of an operand that a semantic means when it names no size. */
export function operandSizeOf(operand: Operand, instruction: Instruction): number {
  return operand.kind === "immediate" || operand.kind === "relative" ? instruction.operandSize : operand.size;
}

/** Sign and exponent of the x87 register whose significand an MM register is, once that is written. */
export const MMX_EXPONENT = 0xffff;

export class HandlerScope implements Scope {
  readonly flags: FlagScope;
  readonly bits: 16 | 32 | 64;
  readonly stackSize: 2 | 4 | 8;
  /** Whether memory was written: then code may have changed, which is asked at the end. */
  private writesMemory = false;

  constructor(
    private readonly builder: FunctionBuilder,
    private readonly record: Local,
    readonly instruction: Instruction,
    readonly mode: number,
    private readonly imports: HandlerImports,
    private readonly places: HandlerPlaces,
  ) {
    const codeSize = mode & MODE.codeSize;
    this.bits = codeSize === CODE_64 ? 64 : codeSize === 1 ? 32 : 16;
    this.stackSize = codeSize === CODE_64 ? 8 : (mode & MODE.wideStack) !== 0 ? 4 : 2;
    this.flags = new StateFlags(places.base, imports, builder);
  }

  /** The way to the next instruction, after the semantic's code. */
  next(): Code {
    const { record, imports } = this;
    return [
      this.leaveIfChanged(this.nextIp()),
      tailCall(imports.execute, add(get(record), int(RECORD_BYTES))),
    ];
  }

  local(type: ValueType): Local {
    return this.builder.local(type);
  }

  keep(type: ValueType, value: Code): { readonly code: Code; readonly local: Local } {
    const local = this.builder.local(type);
    return { code: set(local, value), local };
  }

  // Operands.

  read(number: number, size?: number, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const bytes = size ?? operandSizeOf(operand, this.instruction);
    switch (operand.kind) {
      case "register":
        return loadOf(bytes, this.operandOffset(number), this.places.base);
      case "memory":
        return this.loadAt(this.address(number), this.segmentAddress(), bytes, options);
      case "immediate":
        return loadOf(bytes, get(this.record), immediatePlace(this.instruction, number));
      default:
        throw new Error(`${operand.kind} operands have no value`);
    }
  }

  write(number: number, value: Code, size?: number, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const bytes = size ?? operandSizeOf(operand, this.instruction);
    if (operand.kind === "memory") {
      return this.storeAt(this.address(number), this.segmentAddress(), bytes, value, options);
    }
    const isGeneral = operand.kind === "register" && operand.file === "general";
    const address = this.operandOffset(number);
    const { base } = this.places;
    if (isGeneral && bytes === 4) return I64.store(8)(address, extendUnsigned(value), base);
    const store = storeOf(bytes, address, value, base);
    const isMmx = operand.kind === "register" && operand.file === "mm";
    return isMmx ? [store, I32.store(2)(address, int(MMX_EXPONENT), base + bytes)] : store;
  }

  modify(number: number, compute: (value: Local) => Code, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const size = operandSizeOf(operand, this.instruction);
    if (operand.kind === "memory") {
      return this.updateAt(this.address(number), this.segmentAddress(), size, compute, options);
    }
    const value = this.local(typeOf(size));
    return [set(value, this.read(number, size)), this.write(number, compute(value), size)];
  }

  address(number: number): Code {
    const operand = this.operand(number) as MemoryOperand;
    const { record } = this;
    const register = (field: number): Code => I64.load(8)(I32.load(2)(get(record), field), this.places.base);
    const scaled = I64.shl(register(RECORD.index), extendUnsigned(I32.load(1)(get(record), RECORD.scale)));
    const withIndex = operand.index < 0 ? register(RECORD.base) : I64.add(register(RECORD.base), scaled);
    const sum = I64.add(withIndex, I64.load(8)(get(record), RECORD.displacement));
    const { addressSize } = this.instruction;
    if (addressSize === 8) return sum;
    return I64.and(sum, I64.constant(addressSize === 4 ? 0xffff_ffff : 0xffff));
  }

  constant(): undefined {
    return undefined;
  }

  isSame(): boolean {
    return false;
  }

  // Registers.

  register(number: number, size: number): Code {
    return loadOf(size, int(0), this.places.base + STATE.general + number * 8);
  }

  setRegister(number: number, size: number, value: Code): Code {
    const place = this.places.base + STATE.general + number * 8;
    return size === 4
      ? I64.store(8)(int(0), extendUnsigned(value), place)
      : storeOf(size, int(0), value, place);
  }

  // Memory.

  load(segment: number, address: Code, size: number, options: AccessOptions = {}): Code {
    return this.loadAt(address, this.segmentOf(segment), size, options);
  }

  store(segment: number, address: Code, size: number, value: Code, options: AccessOptions = {}): Code {
    return this.storeAt(address, this.segmentOf(segment), size, value, options);
  }

  update(segment: number, address: Code, size: number, compute: (value: Local) => Code): Code {
    return this.updateAt(address, this.segmentOf(segment), size, compute);
  }

  /** The record says which: its number is not the shape's. */
  segment(number: number): number {
    const operand = this.operand(number);
    if (operand.kind !== "memory") throw new Error("only memory operands have a segment");
    return RECORDED_SEGMENT;
  }

  getState(offset: number, type: StateType): Code {
    return loadState(this.places.base + offset, type);
  }

  setState(offset: number, type: StateType, value: Code): Code {
    return storeState(this.places.base + offset, type, value);
  }

  // Control.

  nextIp(): Code {
    const place = I32.add(
      I32.load(2)(get(this.record), RECORD.pageOffset),
      I32.load(1)(get(this.record), RECORD.length),
    );
    const ip = I64.add(this.getState(STATE.codeOffset, "i64"), extendUnsigned(place));
    return this.bits === 64 ? ip : I64.and(ip, I64.constant(this.bits === 32 ? 0xffff_ffff : 0xffff));
  }

  jump(target: Code): Code {
    return [
      this.setState(STATE.rip, "i64", target),
      this.writesMemory ? this.ifChanged(this.leave(EXIT.changed)) : [],
      tailCall(this.imports.dispatch),
    ];
  }

  branch(number: number): Code {
    return this.goTo(this.targetOf(number), RECORD.link, LINKABLE.target);
  }

  branchIf(condition: Code, number: number): Code {
    return ifElse(
      condition,
      this.branch(number),
      this.goTo(this.nextIp(), RECORD.fallThrough, LINKABLE.next),
    );
  }

  raise(vector: number, errorCode?: Code): Code {
    return [
      this.setState(STATE.faultVector, "i32", int(vector)),
      this.setState(STATE.faultCode, "i32", errorCode ?? int(0)),
      this.leave(EXIT.fault),
    ];
  }

  system(): Code {
    return this.leave(EXIT.system);
  }

  iteration(): Code {
    // With TF set each iteration is followed by a debug trap (SDM vol. 3, 17.3.1.4).
    if ((this.mode & MODE.singleStep) !== 0) return this.leave(EXIT.again);
    const place = this.places.base + STATE.left;
    return [
      storeFloat(int(0), floatSubtract(loadFloat(int(0), place), float(this.places.iterationCost)), place),
      ifThen(floatAtMost(loadFloat(int(0), place), float(0)), this.leave(EXIT.again)),
    ];
  }

  // What the above is made of.

  private operand(number: number): Operand {
    return this.instruction.operands[number]!;
  }

  private operandOffset(number: number): Code {
    return I32.load(2)(get(this.record), RECORD.operands + 2 * number);
  }

  private segmentAddress(): Code {
    return I32.add(I32.load(2)(get(this.record), RECORD.segment), int(this.places.base));
  }

  private segmentOf(segment: number): Code {
    if (segment === RECORDED_SEGMENT) return this.segmentAddress();
    return int(this.places.base + segmentPlace(segment, this.mode));
  }

  private get accessFunction(): FunctionReference {
    const { accessLimited, accessSegment } = this.imports;
    return (this.mode & MODE.longLimits) !== 0 ? accessLimited : accessSegment;
  }

  private access(address: Code, segment: Code, kind: number, size: number, aligned: boolean): [Code, Local] {
    const host = this.local("i32");
    return [
      [
        set(host, call(this.accessFunction, address, segment, int(accessOf(kind, size, aligned)))),
        ifThen(isZero(get(host)), this.leave(EXIT.fault)),
      ],
      host,
    ];
  }

  private loadAt(address: Code, segment: Code, size: number, { aligned = false }: AccessOptions): Code {
    const [code, host] = this.access(address, segment, ACCESS.read, size, aligned);
    return [code, loadOf(size, get(host))];
  }

  private storeAt(
    address: Code,
    segment: Code,
    size: number,
    value: Code,
    { aligned = false }: AccessOptions,
  ): Code {
    const [code, host] = this.access(address, segment, ACCESS.write, size, aligned);
    return [code, storeOf(size, get(host), value), this.commitIfBounced(host)];
  }

  private updateAt(
    address: Code,
    segment: Code,
    size: number,
    compute: (value: Local) => Code,
    { aligned = false }: AccessOptions = {},
  ): Code {
    const [code, host] = this.access(address, segment, ACCESS.modify, size, aligned);
    const value = this.local(typeOf(size));
    return [
      code,
      set(value, loadOf(size, get(host))),
      storeOf(size, get(host), compute(value)),
      this.commitIfBounced(host),
    ];
  }

  private commitIfBounced(host: Local): Code {
    this.writesMemory = true;
    return ifThen(eq(get(host), int(this.places.base + STATE.bounce)), call(this.imports.commit));
  }

  /** If the instruction wrote to decoded code, or a device changed, engines look again before they go on at `ip`. */
  private leaveIfChanged(ip: Code): Code {
    if (!this.writesMemory) return [];
    return this.ifChanged([this.setState(STATE.rip, "i64", ip), this.leave(EXIT.changed)]);
  }

  private ifChanged(then: Code): Code {
    return ifThen(this.getState(STATE.codeChanged, "i32"), then);
  }

  /** Goes to another instruction of the same page through a link, once it is known. */
  private goTo(target: Code, field: number, linkable: number): Code {
    const { record, imports } = this;
    const header = this.local("i32");
    return [
      this.leaveIfChanged(target),
      set(header, load(get(record), field)),
      ifThen(get(header), tailCall(imports.execute, get(header))),
      this.setState(STATE.rip, "i64", target),
      ifThen(
        I32.and(I32.load(1)(get(record), RECORD.linkable), int(linkable)),
        this.setState(STATE.linkFrom, "i32", add(get(record), int(field))),
      ),
      tailCall(imports.dispatch),
    ];
  }

  private targetOf(number: number): Code {
    const operand = this.operand(number);
    if (operand.kind !== "relative") throw new Error("only relative operands are branched to");
    // The record's displacement counts from the page's first byte.
    const target = I64.add(
      this.getState(STATE.codeOffset, "i64"),
      I64.load(8)(get(this.record), RECORD.displacement),
    );
    const { operandSize } = this.instruction;
    if (operandSize === 8) return target;
    return I64.and(target, I64.constant(operandSize === 4 ? 0xffff_ffff : 0xffff));
  }

  private leave(exit: number): Code {
    return [this.setState(STATE.exitRecord, "i32", get(this.record)), giveBack(int(exit))];
  }
}

/** Stands for "the segment in the record", where a semantic asks for an operand's. */
const RECORDED_SEGMENT = -1;

/** State offset of a segment for data under a mode word: in 64-bit code only FS and GS have a base, and mostly none a limit. */
export function segmentPlace(segment: number, mode: number): number {
  if ((mode & MODE.codeSize) !== CODE_64 || segment >= FIRST_LONG_SEGMENT) return segmentOffset(segment);
  if ((mode & MODE.longLimits) !== 0 && hasLongLimit(segment)) return segmentOffset(segment);
  return segment === SS ? STATE.flatStack : STATE.flatSegment;
}
const FIRST_LONG_SEGMENT = 4;

/** Flags in the state: what an instruction did is written down there. */
class StateFlags extends NotedFlags implements FlagScope {
  constructor(
    private readonly base: number,
    private readonly imports: HandlerImports,
    private readonly builder: FunctionBuilder,
  ) {
    super();
  }

  setInc(size: number, left: Local, result: Local): Code {
    return [this.word(STATE.flagExtra, this.carry()), this.note("inc", size, result, left)];
  }
  setDec(size: number, left: Local, result: Local): Code {
    return [this.word(STATE.flagExtra, this.carry()), this.note("dec", size, result, left)];
  }
  setParts(size: number, result: Local, extra: Code): Code {
    return [this.word(STATE.flagExtra, extra), this.note("parts", size, result)];
  }
  setAll(value: Code): Code {
    return [
      this.word(STATE.flagExtra, I32.and(value, int(ARITHMETIC_FLAGS))),
      this.word(STATE.flagKind, int(flagKind("explicit", 1))),
    ];
  }
  setSome(mask: number, value: Code): Code {
    return this.setAll(I32.or(I32.and(this.all(), int(~mask)), I32.and(value, int(mask))));
  }
  setIf(condition: Code, set: () => Code): Code {
    return ifThen(condition, set());
  }
  settle(): Code {
    return [];
  }
  all(): Code {
    return call(this.imports.flags);
  }
  carry(): Code {
    return call(this.imports.carry);
  }
  condition(number: number): Code {
    const flags = this.builder.local("i32");
    return [set(flags, this.all()), FLAG_CONDITIONS[number]!(get(flags))];
  }
  system(): Code {
    return load(int(0), this.base + STATE.flags);
  }
  setSystem(value: Code): Code {
    return this.word(STATE.flags, value);
  }

  protected note(operation: FlagOperation, size: number, result: Local, left?: Local, right?: Local): Code {
    const long = (place: number, local: Local | undefined): Code =>
      local === undefined ? [] : I64.store(8)(int(0), asLong(size, get(local)), this.base + place);
    return [
      this.word(STATE.flagKind, int(flagKind(operation, size))),
      long(STATE.flagResult, result),
      long(STATE.flagLeft, left),
      long(STATE.flagRight, right),
    ];
  }

  private word(place: number, value: Code): Code {
    return store(int(0), value, this.base + place);
  }
}
