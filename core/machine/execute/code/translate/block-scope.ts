/**
 * The translator's scope: emits one instruction of a region. General registers are locals, operands are constants, an
 * access to memory looks among the slots in place (fast-slots.ts) and calls only when they have not got the page.
 */
import { PAGE_BYTES } from "../../../address.js";
import { hasLongLimit } from "../../../cpu/long-limits.js";
import { EXCEPTION, MODE, SEGMENT, SEGMENT_BYTES, STATE, segmentOffset } from "../../../cpu/state.js";
import { USE_STEP } from "../../../mmu/translations.js";
import {
  add,
  type Code,
  call,
  eq,
  float,
  floatAdd,
  floatAtMost,
  floatSubtract,
  get,
  ifElse,
  ifThen,
  ifUnlikely,
  ifUnlikelyElse,
  int,
  isZero,
  type Local,
  load,
  loadFloat,
  set,
  setEach,
  storeFloat,
  type ValueType,
} from "../../../wasm/code.js";
import { I32, I64, wrap } from "../../../wasm/integers.js";
import { BASE_RIP, type Instruction, type MemoryOperand, type Operand } from "../../../x86/instruction.js";
import { FIELD } from "../../compiled/arrays.js";
import { EXIT } from "../exits.js";
import { SLOT, SLOT_BYTES, SLOTS } from "../fast-slots.js";
import { MMX_EXPONENT, operandSizeOf, segmentPlace, typeOf } from "../handler-scope.js";
import { LINKABLE, RECORD } from "../record.js";
import { lastBeginning } from "../runtime/access.js";
import { ACCESS, accessOf } from "../runtime/contract.js";
import type { AccessOptions, Scope } from "../scope.js";
import { loadOf, loadState, type StateType, storeOf, storeState } from "../sized-access.js";
import type { BlockFlags } from "./block-flags.js";
import type { EdgeName } from "./region.js";
import type { InsideEdge, RegionEmitter } from "./region-emitter.js";
import type { Site } from "./site.js";

export class BlockScope implements Scope {
  readonly instruction: Instruction;
  readonly bits: 32 | 64;
  readonly stackSize: 2 | 4 | 8;
  private writesMemory = false;

  constructor(
    private readonly region: RegionEmitter,
    private readonly site: Site,
    readonly flags: BlockFlags,
    /** How an edge stays inside the region, if it does. */
    private readonly edge: (name: EdgeName) => InsideEdge | undefined,
  ) {
    this.instruction = site.instruction;
    this.bits = region.isLong ? 64 : 32;
    this.stackSize = region.isLong ? 8 : (region.mode & MODE.wideStack) !== 0 ? 4 : 2;
  }

  get mode(): number {
    return this.region.mode;
  }

  /** After the semantic's code, before the next instruction's. */
  end(): Code {
    return this.leaveIfChanged(this.nextIp());
  }

  local(type: ValueType): Local {
    return this.region.locals.take(type);
  }

  keep(type: ValueType, value: Code): { readonly code: Code; readonly local: Local } {
    const local = this.local(type);
    return { code: set(local, value), local };
  }

  // Operands.

  read(number: number, size?: number, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const bytes = size ?? operandSizeOf(operand, this.instruction);
    switch (operand.kind) {
      case "register":
        if (operand.file === "general")
          return this.region.registers.read(operand.number, bytes, operand.high);
        return loadOf(bytes, int(0), this.registerPlace(number));
      case "memory":
        return this.loadAt(operand.segment, this.address(number), bytes, options);
      case "immediate":
        return this.site.immediate(number, bytes);
      default:
        throw new Error(`${operand.kind} operands have no value`);
    }
  }

  write(number: number, value: Code, size?: number, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const bytes = size ?? operandSizeOf(operand, this.instruction);
    if (operand.kind === "memory")
      return this.storeAt(operand.segment, this.address(number), bytes, value, options);
    if (operand.kind === "register" && operand.file === "general") {
      return this.region.registers.write(operand.number, bytes, operand.high, value);
    }
    const place = this.registerPlace(number);
    const store = storeOf(bytes, int(0), value, place);
    const isMmx = operand.kind === "register" && operand.file === "mm";
    return isMmx ? [store, I32.store(2)(int(0), int(MMX_EXPONENT), place + bytes)] : store;
  }

  modify(number: number, compute: (value: Local) => Code, options: AccessOptions = {}): Code {
    const operand = this.operand(number);
    const size = operandSizeOf(operand, this.instruction);
    if (operand.kind === "memory") {
      return this.updateAt(operand.segment, this.address(number), size, compute, options);
    }
    const value = this.local(typeOf(size));
    return [set(value, this.read(number, size)), this.write(number, compute(value), size)];
  }

  address(number: number): Code {
    const operand = this.operand(number) as MemoryOperand;
    const { addressSize } = this.instruction;
    const displacement = this.site.displacement(number);
    if (operand.base === BASE_RIP)
      return this.wrapAddress(I64.add(this.codeOffset(), displacement!), addressSize);
    const parts: Code[] = [];
    const { registers } = this.region;
    if (operand.base >= 0) parts.push(registers.whole(operand.base));
    if (operand.index >= 0) {
      const shift = Math.log2(operand.scale);
      const index = registers.whole(operand.index);
      parts.push(shift === 0 ? index : I64.shl(index, I64.constant(shift)));
    }
    if (displacement !== undefined) parts.push(displacement);
    else if (parts.length === 0) parts.push(I64.constant(0));
    return this.wrapAddress(
      parts.reduce((total, part) => I64.add(total, part)),
      addressSize,
    );
  }

  constant(number: number): number | undefined {
    return this.site.constant(number);
  }

  isSame(first: number, second: number): boolean {
    const [a, b] = [this.operand(first), this.operand(second)];
    return (
      a.kind === "register" &&
      b.kind === "register" &&
      a.file === b.file &&
      a.number === b.number &&
      a.high === b.high &&
      a.size === b.size
    );
  }

  register(number: number, size: number): Code {
    return this.region.registers.read(number, size, false);
  }

  setRegister(number: number, size: number, value: Code): Code {
    return this.region.registers.write(number, size, false, value);
  }

  load(segment: number, address: Code, size: number, options: AccessOptions = {}): Code {
    return this.loadAt(segment, address, size, options);
  }

  store(segment: number, address: Code, size: number, value: Code, options: AccessOptions = {}): Code {
    return this.storeAt(segment, address, size, value, options);
  }

  update(segment: number, address: Code, size: number, compute: (value: Local) => Code): Code {
    return this.updateAt(segment, address, size, compute);
  }

  segment(number: number): number {
    return (this.operand(number) as MemoryOperand).segment;
  }

  getState(offset: number, type: StateType): Code {
    return loadState(this.region.base + offset, type);
  }

  setState(offset: number, type: StateType, value: Code): Code {
    return storeState(this.region.base + offset, type, value);
  }

  // Control.

  nextIp(): Code {
    const ip = I64.add(this.codeOffset(), this.site.placeAfter(this.instruction.length));
    return this.bits === 64 ? ip : I64.and(ip, I64.constant(0xffff_ffff));
  }

  jump(target: Code): Code {
    const { returnTarget } = this.region;
    const isReturn = this.instruction.row.mnemonic === "RET";
    return [
      set(returnTarget, target),
      this.leaveIfChanged(get(returnTarget)),
      isReturn ? RETURN_EDGES.map((name) => this.returnTo(name)) : [],
      this.setState(STATE.rip, "i64", get(returnTarget)),
      this.region.goOnAtRip(this.flags),
    ];
  }

  branch(number: number): Code {
    return this.follow("target", this.targetOf(number), RECORD.link, LINKABLE.target);
  }

  branchIf(condition: Code, number: number): Code {
    const target = this.branch(number);
    const next = this.follow("next", this.nextIp(), RECORD.fallThrough, LINKABLE.next);
    return ifElse(condition, target, next);
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

  /** Has the record's own handler execute the instruction (crossings/), as in the interpreter. */
  handOver(): Code {
    return this.region.goOnAt(this.site.record, this.flags);
  }

  iteration(): Code {
    const { left, iterationCost } = this.region;
    return [
      set(left, floatSubtract(get(left), float(iterationCost))),
      ifThen(floatAtMost(get(left), float(0)), this.leave(EXIT.again)),
    ];
  }

  /** Goes on after a block that is no branch: at the place of its last record, which is the tail. */
  fallThrough(): Code {
    const ip = I64.add(this.codeOffset(), this.site.placeAfter(0));
    const masked = this.bits === 64 ? ip : I64.and(ip, I64.constant(0xffff_ffff));
    return this.follow("next", masked, RECORD.link, LINKABLE.target);
  }

  // What the above is made of.

  /** A return to a call of the region, if that is where it goes. */
  private returnTo(name: EdgeName): Code {
    const inside = this.edge(name);
    if (inside === undefined) return [];
    const site = I64.add(this.codeOffset(), I64.constant(inside.place));
    const isSite = I64.eq(get(this.region.returnTarget), site);
    const { crossing } = inside;
    const going = [this.flags.carryOver(), inside.code()];
    return ifThen(isSite, crossing === undefined ? going : ifThen(crossing.isKnown, [crossing.enter, going]));
  }

  private follow(name: EdgeName, ip: Code, field: number, linkable: number): Code {
    const changed = this.leaveIfChanged(ip);
    const inside = this.edge(name);
    if (inside === undefined) return [changed, this.goOutside(ip, field, linkable)];
    const { crossing } = inside;
    const going = [this.flags.carryOver(), inside.code()];
    if (crossing === undefined) return [changed, going];
    return [changed, ifThen(crossing.isKnown, [crossing.enter, going]), this.goOutside(ip, field, linkable)];
  }

  private goOutside(ip: Code, field: number, linkable: number): Code {
    const header = this.local("i32");
    const isLinkable = (this.site.linkable & linkable) !== 0;
    return [
      isLinkable
        ? [
            set(header, this.site.field(field)),
            ifThen(get(header), this.region.goOnAt(get(header), this.flags)),
            this.setState(STATE.linkFrom, "i32", add(this.site.record, int(field))),
          ]
        : [],
      this.setState(STATE.rip, "i64", ip),
      this.region.goOnAtRip(this.flags),
    ];
  }

  private targetOf(number: number): Code {
    const target = I64.add(this.codeOffset(), this.site.target(number));
    const { operandSize } = this.instruction;
    if (operandSize === 8) return target;
    return I64.and(target, I64.constant(operandSize === 4 ? 0xffff_ffff : 0xffff));
  }

  private codeOffset(): Code {
    return this.getState(STATE.codeOffset, "i64");
  }

  private operand(number: number): Operand {
    return this.instruction.operands[number]!;
  }

  /** Where a register that is no local lies. */
  private registerPlace(number: number): number {
    const operand = this.operand(number);
    if (operand.kind !== "register") throw new Error("not a register");
    const { base } = this.region;
    switch (operand.file) {
      case "xmm":
        return base + STATE.xmm + operand.number * 16;
      case "mm":
        return base + STATE.x87 + operand.number * 16;
      case "segment":
        return base + STATE.segments + operand.number * SEGMENT_BYTES + 16;
      default:
        throw new Error(`${operand.file} registers belong to the system`);
    }
  }

  private wrapAddress(sum: Code, addressSize: number): Code {
    if (addressSize === 8) return sum;
    return I64.and(sum, I64.constant(addressSize === 4 ? 0xffff_ffff : 0xffff));
  }

  /** Linear address where no limit is to be checked; undefined where the segment has to be asked. */
  private linearOf(segment: number, address: Code): Code | undefined {
    if (this.bits === 64) {
      if (segment < FIRST_BASED_SEGMENT) return address;
      return I64.add(address, this.getState(STATE.segments + segment * SEGMENT_BYTES, "i64"));
    }
    const isFlat = (this.region.mode & MODE.flatData) !== 0 && FLAT_SEGMENTS.has(segment);
    return isFlat ? address : undefined;
  }

  private loadAt(segment: number, address: Code, size: number, options: AccessOptions): Code {
    const host = this.local("i32");
    return [this.find(segment, address, ACCESS.read, size, options, host), loadOf(size, get(host))];
  }

  private storeAt(segment: number, address: Code, size: number, value: Code, options: AccessOptions): Code {
    const host = this.local("i32");
    const kept = this.local(typeOf(size));
    return [
      this.find(segment, address, ACCESS.write, size, options, host),
      set(kept, value),
      storeOf(size, get(host), get(kept)),
      this.commitIfBounced(host),
    ];
  }

  private updateAt(
    segment: number,
    address: Code,
    size: number,
    compute: (value: Local) => Code,
    options: AccessOptions = {},
  ): Code {
    const host = this.local("i32");
    const value = this.local(typeOf(size));
    return [
      this.find(segment, address, ACCESS.modify, size, options, host),
      set(value, loadOf(size, get(host))),
      storeOf(size, get(host), compute(value)),
      this.commitIfBounced(host),
    ];
  }

  /** Sets `host` to where the bytes are, or leaves with a fault. */
  private find(
    segment: number,
    address: Code,
    kind: number,
    size: number,
    { aligned = false }: AccessOptions,
    host: Local,
  ): Code {
    const { region } = this;
    const linearCode = this.linearOf(segment, address);
    if (linearCode === undefined) {
      const place = region.base + segmentPlace(segment, region.mode);
      const access = int(accessOf(kind, size, aligned));
      return this.callAndCheck(host, call(region.imports.accessSegment, address, int(place), access));
    }
    const linear = this.local("i64");
    const slot = this.local("i32");
    const isStack = segment === STACK_SEGMENT;
    const isFlat = this.bits !== 64;
    const access = accessOf(kind, size) | (isStack ? ACCESS.stack : 0) | (isFlat ? ACCESS.flat : 0);
    const { left, now } = region;
    const slow = [
      setEach(
        [host, left, now],
        call(region.imports.accessFromRegion, get(linear), int(access), get(left), get(now)),
      ),
      this.leaveIfFaulted(host),
    ];
    const misaligned = aligned
      ? ifThen(
          I64.ne(I64.and(get(linear), I64.constant(size - 1)), I64.constant(0)),
          this.raise(EXCEPTION.GP),
        )
      : [];
    const checks = [this.checkLongLimit(segment, linear, size), misaligned];
    if (!region.usesSlots) return [set(linear, linearCode), checks, slow];
    // The table's place is a constant of the instructions that load from it.
    const inSlot = (field: number): number => region.slots + field;
    const tag = I64.load(8)(get(slot), inSlot(kind === ACCESS.read ? SLOT.read : SLOT.write));
    const last = size === 1 ? get(linear) : I64.add(get(linear), I64.constant(size - 1));
    return [
      set(linear, linearCode),
      checks,
      set(slot, slotIndex(linear)),
      ifUnlikelyElse(I64.ne(tag, I64.and(last, I64.constant(-4096))), slow, [
        storeFloat(
          load(get(slot), inSlot(SLOT.entry)),
          floatAdd(get(region.now), loadFloat(get(slot), inSlot(SLOT.number))),
          FIELD.lastUse,
        ),
        set(region.now, floatAdd(get(region.now), float(USE_STEP))),
        set(host, add(wrap(get(linear)), load(get(slot), inSlot(SLOT.addend)))),
      ]),
    ];
  }

  private checkLongLimit(segment: number, linear: Local, size: number): Code {
    const { base, mode } = this.region;
    if ((mode & MODE.longLimits) === 0 || !hasLongLimit(segment)) return [];
    const limit = I64.load(4)(int(0), base + segmentOffset(segment) + SEGMENT.highest);
    return ifUnlikely(
      I64.gtU(get(linear), lastBeginning(limit, I64.constant(size))),
      this.raise(segment === STACK_SEGMENT ? EXCEPTION.SS : EXCEPTION.GP),
    );
  }

  private callAndCheck(host: Local, access: Code): Code {
    const { region } = this;
    return [region.beforeCall(), set(host, access), region.afterCall(), this.leaveIfFaulted(host)];
  }

  private leaveIfFaulted(host: Local): Code {
    return ifUnlikely(isZero(get(host)), this.leave(EXIT.fault));
  }

  private commitIfBounced(host: Local): Code {
    this.writesMemory = true;
    const { region } = this;
    return ifUnlikely(eq(get(host), int(region.base + STATE.bounce)), [
      region.beforeCall(),
      call(region.imports.commit),
      region.afterCall(),
      set(region.changed, this.getState(STATE.codeChanged, "i32")),
    ]);
  }

  private leaveIfChanged(ip: Code): Code {
    if (!this.writesMemory) return [];
    return ifUnlikely(get(this.region.changed), [
      this.setState(STATE.rip, "i64", ip),
      this.leave(EXIT.changed),
    ]);
  }

  private leave(exit: number): Code {
    return this.region.leaveAt(this.site.record, exit, this.flags);
  }
}

const RETURN_EDGES = ["return0", "return1", "return2"] as const;
const STACK_SEGMENT = 2;
/** FS and GS: the segments that have a base in 64-bit code. */
const FIRST_BASED_SEGMENT = 4;
/** Those that MODE.flatData speaks of. */
const FLAT_SEGMENTS: ReadonlySet<number> = new Set([0, STACK_SEGMENT, 3]);

/** Bytes from a table's first slot to that of a linear address (fast-slots.ts), by one shift. */
function slotIndex(linear: Local): Code {
  const shift = Math.log2(PAGE_BYTES / SLOT_BYTES);
  return I32.and(I32.shrU(wrap(get(linear)), int(shift)), int((SLOTS - 1) * SLOT_BYTES));
}
