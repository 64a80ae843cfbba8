/** What the definitions of quick crossings share: addresses, the runtime's functions, and the small pieces of code that recur. */
import { CYCLES, type CycleCategoryName } from "../../../../events/categories.js";
import type { Costs } from "../../../../events/costs.js";
import { EFER } from "../../../cpu/control-bits.js";
import {
  CODE_64,
  DS,
  ES,
  MODE,
  RFLAGS,
  SEGMENT,
  SEGMENT_BYTES,
  SS,
  STATE,
  segmentOffset,
} from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import { TIME } from "../../../registers.js";
import {
  and,
  block,
  branchIf,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAdd,
  floatSubtract,
  get,
  giveBack,
  ifElse,
  int,
  isZero,
  type Label,
  type Local,
  load,
  loadFloat,
  or,
  select,
  set,
  storeFloat,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import type { FunctionBuilder, ModuleBuilder } from "../../../wasm/module.js";
import { Emitter } from "../../compiled/emitter.js";
import { TABLE } from "../fast-slots.js";
import { flagKind } from "../flags.js";
import { RECORD } from "../record.js";
import { ACCESS, accessOf, RUNTIME_FUNCTIONS } from "../runtime/contract.js";
import { StateCode } from "../state-code.js";
import { type CrossingMemory, LOAD } from "./memory.js";

/** Categories whose cycles the MMU charges while code runs; the rest of the time that passed is the instructions'. */
const TRANSLATION = ["tlb_l2", "walk_guest", "walk_host", "guest_memory"] as const;

export class CrossingParts extends StateCode {
  readonly emitter: Emitter;
  readonly memory: CrossingMemory;
  readonly costs: Costs;
  private readonly access: FunctionReference;
  readonly flags: FunctionReference;
  readonly dispatch: FunctionReference;
  readonly execute: FunctionReference;
  readonly invalidatePage: FunctionReference;
  private readonly supervisorSlots: number;
  private readonly userSlots: number;
  private readonly nowAddress: number;

  constructor(
    machine: Machine,
    readonly module: ModuleBuilder,
    /** Only pages are used that a slot has: other look-ups may fault, and would be counted again when TypeScript makes them. */
    isCautious: boolean,
  ) {
    const code = machine.code!;
    super(code.cpu.base);
    const take = (name: keyof typeof RUNTIME_FUNCTIONS): FunctionReference =>
      module.importFunction(name, RUNTIME_FUNCTIONS[name]);
    this.access = take(isCautious ? "accessSlot" : "accessLinear");
    this.flags = take("flags");
    this.dispatch = take("dispatch");
    this.execute = take("execute");
    this.invalidatePage = take("invalidatePage");
    this.memory = code.crossings;
    this.costs = machine.costs;
    this.supervisorSlots = code.slots.byteOffset + TABLE.supervisor;
    this.userSlots = code.slots.byteOffset + TABLE.user;
    this.nowAddress = machine.places.registers.words.byteOffset + TIME.now * 8;
    this.emitter = new Emitter(module, { ...machine.places, left: this.base + STATE.left });
  }

  // The state.

  get isLongMode(): Code {
    return and(this.word(STATE.efer), int(EFER.LMA));
  }
  get isLegacyMode(): Code {
    return isZero(this.isLongMode);
  }
  selector(segment: number): Code {
    return this.word(segmentOffset(segment) + SEGMENT.selector);
  }

  /** RFLAGS: system flags and those that arithmetic set. */
  allFlags(): Code {
    return or(or(this.word(STATE.flags), call(this.flags)), int(RFLAGS.reserved1));
  }

  /** Sets CF PF AF ZF SF OF from their places. */
  setArithmeticFlags(value: Code): Code {
    return [this.setWord(STATE.flagExtra, value), this.setWord(STATE.flagKind, int(flagKind("explicit", 1)))];
  }

  /** Copies a segment register with its hidden part from memory. */
  loadHidden(segment: number, from: Local, offset: number): Code {
    const to = segmentOffset(segment);
    const parts: Code[] = [];
    for (let at = 0; at < SEGMENT_BYTES; at += 8)
      parts.push(this.setLong(to + at, I64.load(8)(get(from), offset + at)));
    return parts;
  }

  /** A new mode word: remembered bits, and whether data segments are flat outside 64-bit mode, where it is not remembered. */
  setMode(remembered: Code): Code {
    const flat = (segment: number): Code => this.word(segmentOffset(segment) + SEGMENT.flat);
    const data = and(and(flat(SS), and(flat(DS), flat(ES))), int(MODE.flatData));
    return this.setWord(STATE.mode, or(remembered, data));
  }

  /** Code goes on at another place, privilege and mode: its page is looked up anew. */
  forgetCodePage(): Code {
    return this.setLong(STATE.codePage, I64.constant(-1));
  }

  /** CPL is 0. */
  get isPrivileged(): Code {
    return isZero(this.word(STATE.privilege));
  }

  // Look-ups.

  /** Whether a memory is of the present generation and mode. */
  isCurrent(memory: Local): Code {
    return and(
      eq(load(get(memory), 0), this.word(STATE.generation)),
      eq(load(get(memory), 4), this.word(STATE.mode)),
    );
  }

  /** The same, but of other flags: CPL alone and the kind of mode matter. */
  isOfPrivilege(memory: Local): Code {
    const bits = MODE.user | MODE.protected | MODE.virtual8086;
    return and(
      eq(load(get(memory), 0), this.word(STATE.generation)),
      and(
        eq(and(load(get(memory), 4), int(bits)), and(this.word(STATE.mode), int(bits))),
        eq(load(get(memory), LOAD.privilege), this.word(STATE.privilege)),
      ),
    );
  }

  /** Finds bytes at the privilege of the program. */
  findAtPrivilege(host: Local, linear: Code, kind: number, bytes: number, giveUp: Label): Code {
    return this.findVariable(host, linear, int(accessOf(kind, bytes)), giveUp);
  }

  setSupervisorSlots(): Code {
    return this.setWord(STATE.fastSlots, int(this.supervisorSlots));
  }

  /** Finds bytes at supervisor privilege; where that is not plain memory the crossing is given up. */
  find(host: Local, linear: Code, kind: number, bytes: number, giveUp: Label): Code {
    return this.findVariable(host, linear, int(accessOf(kind, bytes) | ACCESS.supervisor), giveUp);
  }

  findVariable(host: Local, linear: Code, access: Code, giveUp: Label): Code {
    return [
      set(host, call(this.access, linear, access)),
      branchIf(or(isZero(get(host)), eq(get(host), int(this.base + STATE.bounce))), giveUp),
    ];
  }

  /** Reads 8 bytes at an address that a memory names and gives up unless they are the ones it has. */
  same(host: Local, memory: Local, address: number, words: number, giveUp: Label): Code {
    return [
      this.find(host, I64.load(8)(get(memory), address), ACCESS.read, 8, giveUp),
      branchIf(I64.ne(I64.load(8)(get(host)), I64.load(8)(get(memory), words)), giveUp),
    ];
  }

  /**
   * Look-ups at supervisor privilege. If the crossing is given up, time goes back: TypeScript makes the same look-ups
   * again, and nothing shows that they were made.
   */
  attempt(builder: FunctionBuilder, giveUp: Label, body: (host: Local) => Code): Code {
    const now = builder.local("f64");
    const slots = builder.local();
    const host = builder.local();
    return [
      set(now, loadFloat(int(0), this.nowAddress)),
      set(slots, this.word(STATE.fastSlots)),
      this.setSupervisorSlots(),
      block(giveUp, [body(host), giveBack(int(1))]),
      storeFloat(int(0), get(now), this.nowAddress),
      this.setWord(STATE.fastSlots, get(slots)),
      int(0),
    ];
  }

  /** Chooses the look-up of data for a privilege. */
  setSlots(isUser: Code): Code {
    return this.setWord(STATE.fastSlots, select(isUser, int(this.userSlots), int(this.supervisorSlots)));
  }

  // Handlers.

  /** RIP of the next instruction, in the width of the code. */
  nextIp(builder: FunctionBuilder, record: Local): [Code, Local] {
    const ip = builder.local("i64");
    const place = I32.add(
      I32.load(2)(get(record), RECORD.pageOffset),
      I32.load(1)(get(record), RECORD.length),
    );
    const full = I64.add(this.long(STATE.codeOffset), extendUnsigned(place));
    return [
      set(ip, ifElse(this.isCodeSize(CODE_64), full, I64.and(full, I64.constant(0xffff_ffff)), "i64")),
      ip,
    ];
  }

  /** Attributes the cycles of the instructions so far to the privilege at which they ran; then everything starts anew. */
  attribute(builder: FunctionBuilder, isUser: Local): Code {
    const translation = builder.local("f64");
    const passed = builder.local("f64");
    const { emitter, base } = this;
    const cycles = (name: CycleCategoryName): number =>
      emitter.places.counters.cycles.byteOffset + CYCLES[name] * 8;
    const sum = TRANSLATION.map((name) => loadFloat(int(0), cycles(name))).reduce(floatAdd);
    const grow = (name: "guest_user" | "guest_kernel"): Code =>
      storeFloat(int(0), floatAdd(loadFloat(int(0), cycles(name)), get(passed)), cycles(name));
    return [
      set(translation, sum),
      set(
        passed,
        floatSubtract(
          floatSubtract(loadFloat(int(0), base + STATE.markLeft), loadFloat(int(0), base + STATE.left)),
          floatSubtract(get(translation), loadFloat(int(0), base + STATE.markTranslation)),
        ),
      ),
      ifElse(get(isUser), grow("guest_user"), grow("guest_kernel")),
      storeFloat(int(0), get(translation), base + STATE.markTranslation),
    ];
  }

  /** Cycles of the program's own, like those of other instructions. */
  spend(cycles: number): Code {
    const place = this.base + STATE.left;
    return storeFloat(int(0), floatSubtract(loadFloat(int(0), place), float(cycles)), place);
  }

  /** After charges of the crossing's own: from here on time is the next instructions'. */
  mark(): Code {
    return storeFloat(int(0), loadFloat(int(0), this.base + STATE.left), this.base + STATE.markLeft);
  }

  /** Leaves to TypeScript. */
  leave(record: Local, exit: number): Code {
    return [this.setWord(STATE.exitRecord, get(record)), giveBack(int(exit))];
  }
}
