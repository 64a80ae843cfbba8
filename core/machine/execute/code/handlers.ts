/**
 * The interpreter's handlers: one WebAssembly function for each shape of instruction, made when the first instruction of
 * the shape is decoded, and kept in the table through which code is threaded. A shape is what a semantic may depend on:
 * row, sizes, prefixes, kinds of operands, width of code and stack.
 */
import { MODE, STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import { add, type Code, get, giveBack, ifThen, int, load, store, tailCall } from "../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../wasm/integers.js";
import { ModuleBuilder, type ModuleExports } from "../../wasm/module.js";
import type { Instruction } from "../../x86/instruction.js";
import { crossingOf } from "./crossings/names.js";
import { EXIT } from "./exits.js";
import { type HandlerImports, HandlerScope } from "./handler-scope.js";
import { LINKABLE, RECORD } from "./record.js";
import { RUNTIME_FUNCTIONS, TABLE_INDEX } from "./runtime/contract.js";
import type { Semantic } from "./scope.js";

/** Handlers that are not an instruction's. */
export interface SpecialHandlers {
  /** Headers of cold blocks; of blocks whose one instruction crosses into the next page. */
  readonly enter: number;
  readonly enterCrossing: number;
  /** After the last instruction of a block that is no branch. */
  readonly fallThrough: number;
  /** TypeScript executes the instruction. */
  readonly system: number;
  /** Ends a single step. */
  readonly stop: number;
  /** Raise #UD, #GP(0). */
  readonly undefined: number;
  readonly generalProtection: number;
}

/** Bits of the mode word on which a handler depends. */
const SHAPE_MODE =
  MODE.codeSize |
  MODE.wideStack |
  MODE.noFpu |
  MODE.noSse |
  MODE.exactSse |
  MODE.singleStep |
  MODE.protected |
  MODE.virtual8086 |
  MODE.longLimits;

/**
 * Instructions after which the next one is executed whatever waits: an interrupt is not recognised between (STI), or what
 * they change then is left to TypeScript (POPF).
 */
const STRAIGHT: ReadonlySet<string> = new Set(["CLI", "STI", "POPF"]);

/** Thrown when the table is full: decoded code is dropped, and the block is written again. */
export class TooManyHandlers extends Error {}

/** Handlers have the table's entries below this; when they are used up all are made anew, as they are met. */
export const MOST_HANDLERS = 1 << 13;

export class Handlers {
  readonly special: SpecialHandlers;
  /** How often all shapes were forgotten: numbers of handlers mean others since. */
  generation = 0;
  /** Told of each block that is decoded, before it runs. */
  onBlock: ((instructions: readonly Instruction[]) => void) | undefined;
  /** Table indices by row and shape. */
  private shapes: (Map<number, number> | undefined)[] = [];
  private next: number;
  private readonly firstShape: number;
  /** Handlers of crossings/, by the names that `crossingOf` gives. */
  private readonly crossingNumbers = new Map<string, number>();

  /** @param crossings of what `makeCrossings` made, what is not left to TypeScript; by name. */
  constructor(
    private readonly machine: Machine,
    private readonly runtime: ModuleExports,
    private readonly table: WebAssembly.Table,
    private readonly semantics: Readonly<Record<string, Semantic>>,
    private readonly iterationCost: number,
    crossings: ModuleExports,
  ) {
    this.next = TABLE_INDEX.first;
    const base = machine.code!.cpu.base;
    const { module, imports } = this.newModule();
    defineSpecial(module, imports, base);
    const made = this.instantiate(module);
    const put = (value: unknown): number => {
      table.set(this.next, value as () => number);
      return this.next++;
    };
    this.special = {
      enter: put(runtime["enter"]),
      enterCrossing: put(runtime["enterCrossing"]),
      fallThrough: put(made["fallThrough"]),
      system: put(made["system"]),
      stop: put(made["stop"]),
      undefined: put(made["undefined"]),
      generalProtection: put(made["generalProtection"]),
    };
    for (const [name, handler] of Object.entries(crossings)) this.crossingNumbers.set(name, put(handler));
    this.firstShape = this.next;
  }

  /** Handler of an instruction that crossings/ may do without leaving the engine; undefined for all others. */
  crossingHandler(instruction: Instruction): number | undefined {
    const name = crossingOf(instruction);
    return name === undefined ? undefined : this.crossingNumbers.get(name);
  }

  /**
   * Table indices of what executes each instruction of a block decoded under a mode. Shapes met for the first time are
   * made together: a module has its price.
   */
  ofBlock(instructions: readonly Instruction[], mode: number): number[] {
    this.onBlock?.(instructions);
    const fresh: Instruction[] = [];
    const handlers = instructions.map((instruction) => {
      const crossing = (mode & MODE.singleStep) !== 0 ? undefined : this.crossingHandler(instruction);
      if (crossing !== undefined) return crossing;
      const { row } = instruction;
      if (this.semantics[row.mnemonic] === undefined) return this.special.system;
      let shapes = this.shapes[row.index];
      if (shapes === undefined) {
        shapes = new Map();
        this.shapes[row.index] = shapes;
      }
      const shape = shapeOf(instruction, mode);
      let handler = shapes.get(shape);
      if (handler === undefined) {
        handler = this.next + fresh.length;
        if (handler >= MOST_HANDLERS) throw new TooManyHandlers();
        shapes.set(shape, handler);
        fresh.push(instruction);
      }
      return handler;
    });
    if (fresh.length > 0) this.make(fresh, mode);
    return handlers;
  }

  /** Whether an instruction ends its block: it transfers control, or TypeScript executes it. */
  ends({ row }: Instruction): boolean {
    return this.semantics[row.mnemonic] === undefined || (row.ends && !STRAIGHT.has(row.mnemonic));
  }

  /** Forgets every shape; no record may name its handler any more. */
  forgetShapes(): void {
    this.generation++;
    this.shapes = [];
    this.next = this.firstShape;
  }

  /** Puts the handlers of new shapes into the table, at the indices that follow. */
  private make(fresh: readonly Instruction[], mode: number): void {
    const { module, imports } = this.newModule();
    const places = { base: this.machine.code!.cpu.base, iterationCost: this.iterationCost };
    fresh.forEach((instruction, index) => {
      const semantic = this.semantics[instruction.row.mnemonic]!;
      module.define(
        ["i32"],
        true,
        (builder, record) => {
          const scope = new HandlerScope(builder, record, instruction, mode, imports, places);
          return [semantic(scope), scope.next()];
        },
        String(index),
      );
    });
    const made = this.instantiate(module);
    for (let index = 0; index < fresh.length; index++)
      this.table.set(this.next++, made[String(index)] as () => number);
  }

  private newModule(): { module: ModuleBuilder; imports: HandlerImports } {
    const module = new ModuleBuilder();
    const take = (name: keyof HandlerImports) => module.importFunction(name, RUNTIME_FUNCTIONS[name]);
    const imports: HandlerImports = {
      accessSegment: take("accessSegment"),
      accessLimited: take("accessLimited"),
      commit: take("commit"),
      flags: take("flags"),
      carry: take("carry"),
      dispatch: take("dispatch"),
      execute: take("execute"),
    };
    return { module, imports };
  }

  private instantiate(module: ModuleBuilder): ModuleExports {
    return module.instantiate({ memory: this.machine.memory, functions: this.runtime });
  }
}

const REPEATS = ["", "rep", "repne"] as const;

/**
 * The number of an instruction's shape among those of its row, which says what sizes and files its operands have: mode,
 * operand and address size by the zeros before them, prefixes, and which operands are in memory, with an index.
 */
function shapeOf(instruction: Instruction, mode: number): number {
  const { operandSize, addressSize, lock, repeat, operands } = instruction;
  let shape = mode & SHAPE_MODE;
  shape = shape * 8 + (Math.clz32(operandSize) & 7);
  shape = shape * 4 + (Math.clz32(addressSize) & 3);
  shape = shape * 2 + (lock ? 1 : 0);
  shape = shape * 4 + REPEATS.indexOf(repeat);
  for (const operand of operands) {
    shape *= 4;
    if (operand.kind === "memory") shape += operand.index >= 0 ? 3 : 2;
  }
  return shape;
}

function defineSpecial(module: ModuleBuilder, imports: HandlerImports, base: number): void {
  const leave = (record: Code, exit: number): Code => [
    store(int(0), record, base + STATE.exitRecord),
    giveBack(int(exit)),
  ];
  const raising = (name: string, vector: number): void => {
    module.define(
      ["i32"],
      true,
      (_builder, record) => [
        store(int(0), int(vector), base + STATE.faultVector),
        store(int(0), int(0), base + STATE.faultCode),
        leave(get(record), EXIT.fault),
        int(0),
      ],
      name,
    );
  };
  raising("undefined", 6);
  raising("generalProtection", 13);
  module.define(["i32"], true, (_builder, record) => [leave(get(record), EXIT.system), int(0)], "system");
  module.define(["i32"], true, (_builder, record) => [leave(get(record), EXIT.stepped), int(0)], "stop");
  // The record's place is that of the next instruction; past the end of its page in blocks that reach it.
  module.define(
    ["i32"],
    true,
    (_builder, record) => {
      const header = load(get(record), RECORD.link);
      const place = I32.load(2)(get(record), RECORD.pageOffset);
      const ip = I64.add(I64.load(8)(int(0), base + STATE.codeOffset), extendUnsigned(place));
      return [
        ifThen(header, tailCall(imports.execute, header)),
        I64.store(8)(int(0), I64.and(ip, I64.load(8)(get(record), RECORD.displacement)), base + STATE.rip),
        ifThen(
          I32.and(I32.load(1)(get(record), RECORD.linkable), int(LINKABLE.target)),
          store(int(0), add(get(record), int(RECORD.link)), base + STATE.linkFrom),
        ),
        tailCall(imports.dispatch),
      ];
    },
    "fallThrough",
  );
}
