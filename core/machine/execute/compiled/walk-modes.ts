/**
 * What agile paging does otherwise in a compiled walk: step for step the methods that AgileWalker overrides
 * (mmu/agile-walker.ts), which says why. The mode of the walk is a global of the module.
 */
import { MODE_MASK, MODE_SHIFT, NESTED_MODE } from "../../mmu/agile-walker.js";
import { SWITCH } from "../../mmu/entry.js";
import { WALK_PAGE_FAULT, WALK_SHADOW_FAULT } from "../../mmu/walker.js";
import {
  and,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAdd,
  get,
  getGlobal,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  loadFloat,
  or,
  select,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  storeFloat,
} from "../../wasm/code.js";
import { type Emitter, lacksBits } from "./emitter.js";

/** Code that looks up a guest frame's table in the second dimension. */
type ToHost = (gfn: Code) => Code;

export interface WalkModes {
  /** The status of a walk that faults. */
  readonly faultStatus: Code;
  /** Counts a walk by the mode in which it ended. */
  readonly count: Code;
  /** Sets `table` to the root's host frame. */
  rootTable(table: Local, toHost: ToHost): Code;
  /** Sets `table` to the host frame of what an entry of a level points to. @param named the frame in the entry. */
  tableBelow(level: number, table: Local, entryLo: Code, named: Code, toHost: ToHost): Code;
  /** What a paging-structure cache holds beside a frame; and the rights in it taken apart. */
  toCache(rights: Code): Code;
  fromCache(rights: Local): Code;
  /**
   * From the frame in the leaf to the host's.
   * @param isFirstWrite the page is written and its leaf is clean. @param operands of the walk.
   * @param plain,nested what is done in the shadow, and in the guest's tables.
   */
  toPage(isFirstWrite: Code, operands: readonly Code[], plain: Code, nested: Code): Code;
}

/** @param mark the walk in two dimensions that makes a page dirty: operands and result as of the walk itself. */
export function agileModes(emitter: Emitter, mark: FunctionReference): WalkModes {
  const mode = emitter.module.global();
  const status = emitter.module.global();
  const isShadow = isZero(getGlobal(mode));
  const byMode = shl(getGlobal(mode), int(3));
  const first = emitter.eventAddress("walks_shadow");
  return {
    faultStatus: select(isShadow, int(WALK_SHADOW_FAULT), int(WALK_PAGE_FAULT)),
    count: storeFloat(byMode, floatAdd(loadFloat(byMode, first), float(1)), first),
    rootTable: (table, toHost) => [
      setGlobal(mode, emitter.register("rootMode")),
      ifElse(
        eq(getGlobal(mode), int(NESTED_MODE)),
        toHost(emitter.register("root")),
        set(table, emitter.register("root")),
      ),
    ],
    tableBelow: (level, table, entryLo, named, toHost) =>
      ifElse(
        isShadow,
        [set(table, named), ifThen(isZero(lacksBits(entryLo, SWITCH)), setGlobal(mode, int(level - 1)))],
        toHost(named),
      ),
    toCache: (rights) => or(rights, shl(getGlobal(mode), int(MODE_SHIFT))),
    fromCache: (rights) => [
      setGlobal(mode, and(shrUnsigned(get(rights), int(MODE_SHIFT)), int(MODE_MASK))),
      set(rights, and(get(rights), int(~(MODE_MASK << MODE_SHIFT)))),
    ],
    toPage: (isFirstWrite, operands, plain, nested) =>
      ifElse(
        isShadow,
        [
          ifThen(isFirstWrite, [
            emitter.count("walks_dirty"),
            setGlobal(status, call(mark, ...operands)),
            ifThen(getGlobal(status), giveBack(getGlobal(status))),
          ]),
          plain,
        ],
        nested,
      ),
  };
}
