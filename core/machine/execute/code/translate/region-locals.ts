/**
 * Locals for what instructions of a region compute on the way, used again once nothing refers to them: engines take time for
 * every local at every branch. An instruction's locals are free after it, but for those that the flags come from.
 *
 *      in use   fresh    of the instruction being emitted
 *               kept     of earlier ones, that the flags known so far are computed from
 */
import type { Local, ValueType } from "../../../wasm/code.js";
import type { FunctionBuilder } from "../../../wasm/module.js";

/** What an instruction did to the flags: locals that they came from may still be asked for, or never again. */
export type FlagChange = "none" | "some" | "all";

export class RegionLocals {
  private free: Local[] = [];
  private fresh: Local[] = [];
  private kept: Local[] = [];
  /** All there are. */
  private readonly all: Local[] = [];

  constructor(private readonly builder: FunctionBuilder) {}

  take(type: ValueType): Local {
    const at = this.free.findLastIndex((local) => local.type === type);
    let local = this.free[at];
    if (local === undefined) {
      local = this.builder.local(type);
      this.all.push(local);
    } else {
      this.free[at] = this.free[this.free.length - 1]!;
      this.free.pop();
    }
    this.fresh.push(local);
    return local;
  }

  /** After an instruction's code. */
  endInstruction(change: FlagChange): void {
    if (change === "none") this.free.push(...this.fresh);
    else if (change === "some") this.kept.push(...this.fresh);
    else {
      this.free.push(...this.kept);
      this.kept = this.fresh;
    }
    this.fresh = [];
  }

  /**
   * Emits a block with all locals free: nothing but registers and carried flags comes into it from the blocks around its code,
   * and what follows it there is reached only by ways that do not lead through it.
   */
  forBlock<T>(emit: () => T): T {
    const { fresh, kept } = this;
    this.free = [...this.all];
    this.fresh = [];
    this.kept = [];
    const code = emit();
    const inUse = new Set([...fresh, ...kept]);
    this.free = this.all.filter((local) => !inUse.has(local));
    this.fresh = fresh;
    this.kept = kept;
    return code;
  }
}
