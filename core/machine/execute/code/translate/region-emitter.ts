/**
 * Emits a region as one WebAssembly function, (header) → exit code: the blocks in structured control flow, each with the
 * look at deadline and limit that the interpreter makes on entering it, and one way out where registers are written back.
 */
import { MODE, STATE } from "../../../cpu/state.js";
import { USE_STEP } from "../../../mmu/translations.js";
import {
  block,
  branch,
  branchIfUnlikely,
  type Code,
  call,
  type FunctionReference,
  float,
  floatAdd,
  floatAtMost,
  floatSubtract,
  get,
  giveBack,
  ifThen,
  int,
  Label,
  type Local,
  load,
  loadFloat,
  loop,
  set,
  store,
  storeFloat,
  tailCall,
  unreachable,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import type { FunctionBuilder } from "../../../wasm/module.js";
import { FIELD } from "../../compiled/arrays.js";
import type { Block } from "../code-cache.js";
import { EXIT } from "../exits.js";
import { SLOT, slotOf } from "../fast-slots.js";
import { HEADER, RECORD, RECORD_BYTES } from "../record.js";
import { HOT, WARM } from "../runtime/contract.js";
import { unlessDecoded } from "../runtime/decoded-lines.js";
import type { Semantic } from "../scope.js";
import { BlockFlags, type CarriedFlags, type FlagImports } from "./block-flags.js";
import { BlockScope } from "./block-scope.js";
import type { EdgeName, RegionNode } from "./region.js";
import { RegionLocals } from "./region-locals.js";
import { RegionRegisters } from "./region-registers.js";
import { RegionSite, SharedSite } from "./site.js";

export interface RegionImports extends FlagImports {
  readonly accessSegment: FunctionReference;
  readonly accessFromRegion: FunctionReference;
  readonly commit: FunctionReference;
  readonly dispatch: FunctionReference;
  readonly execute: FunctionReference;
  /** Where the machine models a cache of decoded code. */
  readonly decodeLines: FunctionReference | undefined;
}

/** What a region is emitted for. */
export interface RegionSetting {
  /** The CPU's state; the first slot of the privilege's table; the time of the next look-up. */
  readonly base: number;
  readonly slots: number;
  /** First slot of fetches. */
  readonly fetchSlots: number;
  readonly nowAddress: number;
  readonly codeEpochAddress: number;
  readonly usesSlots: boolean;
  readonly iterationCost: number;
  readonly mode: number;
  readonly semantics: Readonly<Record<string, Semantic>>;
  /** Linear memory, to read records. */
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly ends: (instruction: BlockScope["instruction"]) => boolean;
  /** Instructions whose handlers are not the semantics' (crossings/). */
  readonly isCrossing: (instruction: BlockScope["instruction"]) => boolean;
}

/** An edge that stays in the region. */
export interface InsideEdge {
  /** Where it leads, counted from the first byte of the page it comes from. */
  readonly place: number;
  /** Where it leads to another page: whether that is as it was translated (i32), and the fetch from it. */
  readonly crossing: { readonly isKnown: Code; readonly enter: Code } | undefined;
  /** Goes there; emitted once. */
  readonly code: () => Code;
}

export class RegionEmitter {
  readonly registers: RegionRegisters;
  readonly locals: RegionLocals;
  readonly base: number;
  readonly slots: number;
  readonly mode: number;
  readonly usesSlots: boolean;
  readonly iterationCost: number;
  /** Cycles until the deadline, time of the next look-up; instructions counted. */
  readonly left: Local;
  readonly now: Local;
  /** Set when a write changed code or met a device. */
  readonly changed: Local;
  /** Where a near return goes. */
  readonly returnTarget: Local;
  /** Instructions that may be counted before the limit; less than 0 past it. */
  private readonly room: Local;
  private readonly exit: Local;
  /** Record that the region is left at, or goes on with; 0: at RIP. */
  private readonly record: Local;
  private readonly carried: CarriedFlags;
  /** Ways out: with the flags in the state; with carried flags; before the block whose header is in `record`. */
  private readonly wayOut = new Label();
  private readonly carriedExit = new Label();
  private readonly beforeBlock = new Label();
  private readonly labels = new Map<RegionNode, { ahead: Label; again: Label }>();

  /** @param shared local with the address of the header, for code that all blocks of a shape share; they have no edges. */
  constructor(
    builder: FunctionBuilder,
    readonly imports: RegionImports,
    private readonly setting: RegionSetting,
    private readonly shared?: Local,
  ) {
    this.base = setting.base;
    this.slots = setting.slots;
    this.mode = setting.mode;
    this.usesSlots = setting.usesSlots;
    this.iterationCost = setting.iterationCost;
    this.registers = new RegionRegisters(builder, setting.base);
    this.locals = new RegionLocals(builder);
    this.left = builder.local("f64");
    this.now = builder.local("f64");
    this.changed = builder.local();
    this.returnTarget = builder.local("i64");
    this.room = builder.local();
    this.exit = builder.local();
    this.record = builder.local();
    this.carried = {
      kind: builder.local(),
      first: builder.local("i64"),
      second: builder.local("i64"),
      extra: builder.local(),
    };
  }

  get isLong(): boolean {
    return (this.mode & 3) === 2;
  }

  emit(nodes: readonly RegionNode[]): Code {
    for (const node of nodes) this.labels.set(node, { ahead: new Label(), again: new Label() });
    const body = this.tree(nodes[0]!);
    const limit = load(int(0), this.base + STATE.instructionLimit);
    return [
      set(this.left, loadFloat(int(0), this.base + STATE.left)),
      set(this.now, loadFloat(int(0), this.setting.nowAddress)),
      set(this.room, I32.sub(limit, load(int(0), this.base + STATE.counts))),
      set(this.carried.kind, int(-1)),
      this.registers.loadAll(),
      block(this.wayOut, [
        block(this.carriedExit, [block(this.beforeBlock, [body, unreachable]), this.leaveBeforeBlock()]),
        this.flagsAt(this.carriedExit).writeDown(),
      ]),
      storeFloat(int(0), get(this.left), this.base + STATE.left),
      storeFloat(int(0), get(this.now), this.setting.nowAddress),
      store(int(0), I32.sub(limit, get(this.room)), this.base + STATE.counts),
      this.registers.storeAll(),
      ifThen(get(this.exit), [
        store(int(0), get(this.record), this.base + STATE.exitRecord),
        giveBack(get(this.exit)),
      ]),
      ifThen(get(this.record), tailCall(this.imports.execute, get(this.record))),
      tailCall(this.imports.dispatch),
    ];
  }

  // Ways out, which the flags take themselves (block-flags.ts).

  leaveAt(record: Code, exit: number, flags: BlockFlags): Code {
    return [set(this.record, record), set(this.exit, int(exit)), flags.exit()];
  }

  /** Goes on at STATE.rip. */
  goOnAtRip(flags: BlockFlags): Code {
    return [set(this.record, int(0)), flags.exit()];
  }

  goOnAt(record: Code, flags: BlockFlags): Code {
    return [set(this.record, record), flags.exit()];
  }

  /** What called functions read and change goes through memory. */
  beforeCall(): Code {
    return [
      storeFloat(int(0), get(this.left), this.base + STATE.left),
      storeFloat(int(0), get(this.now), this.setting.nowAddress),
    ];
  }

  afterCall(): Code {
    return [
      set(this.left, loadFloat(int(0), this.base + STATE.left)),
      set(this.now, loadFloat(int(0), this.setting.nowAddress)),
    ];
  }

  // Control flow (region.ts).

  private tree(node: RegionNode): Code {
    const code = this.within(node, node.merges);
    return node.isLoop ? loop(this.labels.get(node)!.again, code) : code;
  }

  /** The node's own code, inside blocks at whose ends the nodes that it merges into follow. */
  private within(node: RegionNode, merges: readonly RegionNode[]): Code {
    const [last, ...others] = merges;
    if (last === undefined) return this.locals.forBlock(() => this.instructions(node));
    return [block(this.labels.get(last)!.ahead, this.within(node, others)), this.tree(last)];
  }

  private follow(from: RegionNode, name: EdgeName): InsideEdge | undefined {
    const to = from.edges[name];
    if (to === undefined) return undefined;
    const pages = to.page - from.page;
    const crossing = pages === 0 ? undefined : this.enterPage(pages, to.block.frame);
    const place = pages * 4096 + to.block.pageOffset;
    return { place, crossing, code: () => this.goTo(from, to) };
  }

  private goTo(from: RegionNode, to: RegionNode): Code {
    if (to.order <= from.order) return branch(this.labels.get(to)!.again);
    return to.isMerge ? branch(this.labels.get(to)!.ahead) : this.tree(to);
  }

  /**
   * The fetch from another page: whether its slot has the frame that was translated; then it is the page of code, and its
   * TLB entry is stamped. If not, nothing has happened.
   */
  private enterPage(pages: number, frame: number): { readonly isKnown: Code; readonly enter: Code } {
    const { locals, base, setting } = this;
    const page = locals.take("i64");
    const slot = locals.take("i32");
    const isUser = (this.mode & MODE.user) !== 0;
    const state = (offset: number): Code => I64.load(8)(int(0), base + offset);
    const distance = I64.constant(pages * 4096);
    const wrapped = (sum: Code): Code => (this.isLong ? sum : I64.and(sum, I64.constant(0xffff_ffff)));
    return {
      isKnown: [
        set(page, wrapped(I64.add(state(STATE.codePage), distance))),
        set(slot, slotOf(int(setting.fetchSlots), page)),
        I32.and(
          I64.eq(I64.load(8)(get(slot), isUser ? SLOT.read : SLOT.write), get(page)),
          I32.eq(load(get(slot), SLOT.addend), int(frame)),
        ),
      ],
      enter: [
        storeFloat(
          load(get(slot), SLOT.entry),
          floatAdd(get(this.now), loadFloat(get(slot), SLOT.number)),
          FIELD.lastUse,
        ),
        set(this.now, floatAdd(get(this.now), float(USE_STEP))),
        I64.store(8)(int(0), get(page), base + STATE.codePage),
        I64.store(8)(int(0), get(page), base + STATE.codeOffset),
        store(int(0), int(frame), base + STATE.codeFrame),
      ],
    };
  }

  private instructions(node: RegionNode): Code {
    const { setting } = this;
    const { block: decoded } = node;
    const { instructions } = decoded;
    const flags = this.flagsAt(this.carriedExit);
    const code: Code[] = [this.enter(decoded)];
    let place = decoded.pageOffset;
    instructions.forEach((instruction, index) => {
      const scope = this.scopeAt(node, instruction, index, place, flags);
      const semantic = setting.semantics[instruction.row.mnemonic];
      if (setting.isCrossing(instruction)) code.push(scope.handOver());
      else code.push(semantic === undefined ? scope.system() : [semantic(scope), scope.end()]);
      this.locals.endInstruction(flags.takeChange());
      place += instruction.length;
    });
    const last = instructions.at(-1)!;
    if (!setting.ends(last))
      code.push(this.scopeAt(node, last, instructions.length, place, flags).fallThrough());
    return flags.withExits(code, this.wayOut);
  }

  private flagsAt(carriedExit: Label): BlockFlags {
    return new BlockFlags(this.base, this.imports, this.locals, this.carried, carriedExit);
  }

  /** @param number of the record in its block, from 0; @param place of the instruction in its page. */
  private scopeAt(
    node: RegionNode,
    instruction: BlockScope["instruction"],
    number: number,
    place: number,
    flags: BlockFlags,
  ): BlockScope {
    const { header, pageOffset } = node.block;
    const offset = (number + 1) * RECORD_BYTES;
    const linkable = (this.setting.words[(header + offset + RECORD.linkable - 2) >> 2]! >>> 16) & 0xff;
    const site =
      this.shared === undefined
        ? new RegionSite(instruction, header + offset, place, linkable)
        : new SharedSite(instruction, this.shared, offset, place - pageOffset, linkable);
    return new BlockScope(this, site, flags, (name) => this.follow(node, name));
  }

  /** The look at deadline and limit, and the block's price. */
  private enter({ header, instructions }: Block): Code {
    const { shared } = this;
    const cost = this.setting.floats[(header + RECORD.costLeft) >> 3]!;
    return [
      set(this.record, shared === undefined ? int(header) : get(shared)),
      branchIfUnlikely(floatAtMost(get(this.left), float(0)), this.beforeBlock),
      branchIfUnlikely(I32.ltS(get(this.room), int(0)), this.beforeBlock),
      shared === undefined ? [] : this.grow(shared),
      this.decode(get(this.record)),
      set(
        this.left,
        floatSubtract(
          get(this.left),
          shared === undefined ? float(cost) : loadFloat(get(shared), RECORD.costLeft),
        ),
      ),
      set(this.room, I32.sub(get(this.room), int(instructions.length))),
    ];
  }

  private decode(header: Code): Code {
    const { decodeLines } = this.imports;
    if (decodeLines === undefined) return [];
    const decode = [this.beforeCall(), call(decodeLines, header), this.afterCall()];
    return unlessDecoded(this.setting.codeEpochAddress, header, decode);
  }

  /** Counts a block's entry, until it is to be translated by itself. */
  private grow(header: Local): Code {
    const heat = this.locals.take("i32");
    return [
      set(heat, I32.add(load(get(header), HEADER.heat), int(1))),
      store(get(header), get(heat), HEADER.heat),
      set(this.exit, int(EXIT.hot)),
      branchIfUnlikely(I32.or(I32.eq(get(heat), int(WARM)), I32.eq(get(heat), int(HOT))), this.beforeBlock),
      set(this.exit, int(0)),
    ];
  }

  /** What follows the label `beforeBlock`: RIP is the block's first instruction. */
  private leaveBeforeBlock(): Code {
    const place = extendUnsigned(I32.load(2)(get(this.record), HEADER.pageOffset));
    const sum = I64.add(I64.load(8)(int(0), this.base + STATE.codeOffset), place);
    const rip = this.isLong ? sum : I64.and(sum, I64.constant(0xffff_ffff));
    return [
      I64.store(8)(int(0), rip, this.base + STATE.rip),
      ifThen(I32.isZero(get(this.exit)), set(this.exit, int(EXIT.deadline))),
    ];
  }
}
