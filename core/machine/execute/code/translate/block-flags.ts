/**
 * Flags while a block is translated: what set them last is known, so a condition is computed from the operands of that
 * instruction. From one block of a region to the next they travel in four locals (kind, two operands, extra), and they are
 * written into the CPU's state only where the region is left.
 */
import { ARITHMETIC_FLAGS, STATE } from "../../../cpu/state.js";
import {
  block,
  branch,
  type Code,
  call,
  type FunctionReference,
  get,
  ifElse,
  ifThen,
  int,
  Label,
  type Local,
  load,
  set,
  store,
  unreachable,
} from "../../../wasm/code.js";
import { I32, I64 } from "../../../wasm/integers.js";
import { FLAG_CONDITIONS } from "../conditions.js";
import {
  asLong,
  type FlagOperation,
  type FlagScope,
  type FlagSource,
  flagKind,
  NotedFlags,
} from "../flags.js";
import {
  chosen,
  depthOf,
  type KnownFlags,
  knownCarry,
  knownCondition,
  knownFlags,
  merged,
} from "./known-flags.js";
import type { FlagChange, RegionLocals } from "./region-locals.js";

/** What set the flags last: an instruction of this block, or something before it. */
type Last = KnownFlags | undefined;

/** Locals of a region that carry flags from block to block. */
export interface CarriedFlags {
  /** flagKind, or -1: they are in the CPU's state. */
  readonly kind: Local;
  /** Operands, zero-extended (i64): left and right; of logic and parts the result. */
  readonly first: Local;
  readonly second: Local;
  readonly extra: Local;
}

interface FlagExit {
  readonly label: Label;
  readonly code: Code;
}

export interface FlagImports {
  readonly flags: FunctionReference;
  readonly carry: FunctionReference;
  /** (kind, first, second, extra) → : writes carried flags into the state. */
  readonly noteFlags: FunctionReference;
}

/** Kinds from here on, and those of "explicit" below 4, have CF in bit 0 of `extra`. */
const FIRST_WITH_CARRY = flagKind("inc", 1);
const EXPLICIT_KINDS = 4;

export class BlockFlags extends NotedFlags implements FlagScope {
  private last: Last;
  /** Since `takeChange` was asked last. */
  private change: FlagChange = "none";
  /** What came from before, as a source like any other. */
  private readonly carriedSource: FlagSource;

  /** Where the region is left, by what the flags come from there: they are written down once for all such places. */
  private readonly exits = new Map<Last, FlagExit>();

  /** @param carriedExit where a way out leads while the flags are carried ones: they are written down there. */
  constructor(
    private readonly base: number,
    private readonly imports: FlagImports,
    private readonly locals: RegionLocals,
    private readonly carried: CarriedFlags,
    private readonly carriedExit: Label,
  ) {
    super();
    this.carriedSource = explicitFlags(this.carriedFlags());
  }

  /** What happened to the flags since this was asked last, for the locals that they come from. */
  takeChange(): FlagChange {
    const { change } = this;
    this.change = "none";
    return change;
  }

  setInc(size: number, left: Local, result: Local): Code {
    return this.noteStep("inc", size, left, result);
  }
  setDec(size: number, left: Local, result: Local): Code {
    return this.noteStep("dec", size, left, result);
  }
  setParts(size: number, result: Local, extra: Code): Code {
    const kept = this.locals.take("i32");
    this.note("parts", size, result, undefined, undefined, get(kept));
    return set(kept, extra);
  }
  setAll(value: Code): Code {
    const kept = this.locals.take("i32");
    const code = set(kept, I32.and(value, int(ARITHMETIC_FLAGS)));
    this.note("explicit", 1, kept, undefined, undefined, get(kept));
    return code;
  }

  all(): Code {
    return this.last === undefined ? this.carriedFlags() : knownFlags(this.last);
  }
  carry(): Code {
    return this.last === undefined ? this.carriedCarry() : knownCarry(this.last);
  }
  condition(number: number): Code {
    if (this.last !== undefined) return knownCondition(this.last, number);
    const flags = this.locals.take("i32");
    return [set(flags, this.all()), FLAG_CONDITIONS[number]!(get(flags))];
  }

  setSome(mask: number, value: Code): Code {
    const kept = this.locals.take("i32");
    const before = this.known();
    this.last = merged(mask, get(kept), before.flags);
    this.change = "some";
    return [set(kept, value), before.code];
  }

  setIf(condition: Code, setFlags: () => Code): Code {
    const kept = this.locals.take("i32");
    const before = this.known();
    const code = setFlags();
    this.last = chosen(get(kept), this.last ?? this.carriedSource, before.flags);
    this.change = "some";
    return [set(kept, condition), before.code, code];
  }

  settle(): Code {
    const code = [this.writeDown(), set(this.carried.kind, int(-1))];
    this.last = undefined;
    this.change = "all";
    return code;
  }

  system(): Code {
    return load(int(0), this.base + STATE.flags);
  }
  setSystem(value: Code): Code {
    return this.word(STATE.flags, value);
  }

  /** Writes the flags into the state: before the region is left. */
  writeDown(): Code {
    return this.write(this.last ?? this.carriedSource);
  }

  /** Leaves the block's code for one that writes the flags into the state, and then the region. */
  exit(): Code {
    const { last } = this;
    if (last === undefined) return branch(this.carriedExit);
    let exit = this.exits.get(last);
    if (exit === undefined) {
      exit = { label: new Label(), code: this.writeDown() };
      this.exits.set(last, exit);
    }
    return branch(exit.label);
  }

  /** A block's code, which nothing follows, with what its exits lead to. */
  withExits(body: Code, wayOut: Label): Code {
    let code = body;
    for (const exit of this.exits.values())
      code = [block(exit.label, [code, unreachable]), exit.code, branch(wayOut)];
    return code;
  }

  private write(flags: KnownFlags): Code {
    if (flags === this.carriedSource) return this.writeCarried();
    if (flags.operation === "chosen") {
      return ifElse(flags.condition, this.write(flags.then), this.write(flags.otherwise));
    }
    const explicit = flags.operation === "merged" || flags.operation === "explicit";
    if (explicit) {
      return [
        this.word(STATE.flagExtra, knownFlags(flags)),
        this.word(STATE.flagKind, int(flagKind("explicit", 1))),
      ];
    }
    const { operation, size } = flags;
    const long = (place: number, value: Code): Code =>
      I64.store(8)(int(0), asLong(size, value), this.base + place);
    const isStep = operation === "inc" || operation === "dec";
    const hasRight = BINARY.has(operation);
    return [
      isStep || operation === "parts" ? this.word(STATE.flagExtra, flags.extra) : [],
      this.word(STATE.flagKind, int(flagKind(operation, size))),
      long(STATE.flagResult, flags.result),
      hasRight || isStep ? long(STATE.flagLeft, flags.left) : [],
      hasRight ? long(STATE.flagRight, flags.right) : [],
    ];
  }

  /** Hands the flags on to the next block of the region. */
  carryOver(): Code {
    return this.carryFlags(this.last ?? this.carriedSource);
  }

  private carryFlags(flags: KnownFlags): Code {
    const { carried } = this;
    if (flags === this.carriedSource) return [];
    if (flags.operation === "chosen") {
      return ifElse(flags.condition, this.carryFlags(flags.then), this.carryFlags(flags.otherwise));
    }
    if (flags.operation === "merged" || EXPLICIT.has(flags.operation)) {
      return [set(carried.extra, knownFlags(flags)), set(carried.kind, int(flagKind("explicit", 1)))];
    }
    const { operation, size } = flags;
    const hasExtra = operation === "inc" || operation === "dec" || operation === "parts";
    const isResult = operation === "logic" || operation === "parts";
    return [
      hasExtra ? set(carried.extra, flags.extra) : [],
      set(carried.first, asLong(size, isResult ? flags.result : flags.left)),
      BINARY.has(operation) ? set(carried.second, asLong(size, flags.right)) : [],
      set(carried.kind, int(flagKind(operation, size))),
    ];
  }

  /** What is known of the flags so far, with code that comes to that first if it would be much. */
  private known(): { readonly flags: KnownFlags; readonly code: Code } {
    const flags = this.last ?? this.carriedSource;
    if (depthOf(flags) < DEEPEST) return { flags, code: [] };
    const kept = this.locals.take("i32");
    this.last = explicitFlags(get(kept));
    return { flags: this.last, code: set(kept, knownFlags(flags)) };
  }

  protected note(
    operation: FlagOperation,
    size: number,
    result: Local,
    left?: Local,
    right?: Local,
    extra: Code = int(0),
  ): Code {
    const value = (local: Local | undefined): Code => (local === undefined ? int(0) : get(local));
    this.last = { operation, size, result: get(result), left: value(left), right: value(right), extra };
    this.change = "all";
    return [];
  }

  /** INC and DEC keep CF, which is computed from what it comes from when somebody asks. */
  private noteStep(operation: "inc" | "dec", size: number, left: Local, result: Local): Code {
    const code = this.note(operation, size, result, left, undefined, this.carry());
    this.change = "some";
    return code;
  }

  private writeCarried(): Code {
    const { kind, first, second, extra } = this.carried;
    return ifThen(I32.geS(get(kind), int(0)), [
      call(this.imports.noteFlags, get(kind), get(first), get(second), get(extra)),
      set(kind, int(-1)),
    ]);
  }

  private carriedFlags(): Code {
    return [this.writeCarried(), call(this.imports.flags)];
  }

  private carriedCarry(): Code {
    const { kind, extra } = this.carried;
    const isInExtra = I32.or(
      I32.geS(get(kind), int(FIRST_WITH_CARRY)),
      I32.ltU(get(kind), int(EXPLICIT_KINDS)),
    );
    return ifElse(
      isInExtra,
      I32.and(get(extra), int(1)),
      [this.writeCarried(), call(this.imports.carry)],
      "i32",
    );
  }

  private word(place: number, value: Code): Code {
    return store(int(0), value, this.base + place);
  }
}

const BINARY: ReadonlySet<FlagOperation> = new Set(["add", "adc", "sub", "sbb"]);
/** Carried as the flags themselves. */
const EXPLICIT: ReadonlySet<FlagOperation> = new Set(["adc", "sbb", "explicit"]);
/** Sources that lie upon one another at most. */
const DEEPEST = 3;

/** All flags in one value. */
const explicitFlags = (extra: Code): FlagSource => ({
  operation: "explicit",
  size: 1,
  left: NOTHING,
  right: NOTHING,
  result: NOTHING,
  extra,
});
const NOTHING = int(0);
