/** General registers of a region as i64 locals: loaded where it is entered, written back where it is left if it set them. */
import { STATE } from "../../../cpu/state.js";
import { type Code, get, int, type Local, set } from "../../../wasm/code.js";
import { extendUnsigned, I64, wrap } from "../../../wasm/integers.js";
import type { FunctionBuilder } from "../../../wasm/module.js";

const REGISTERS = 16;

export class RegionRegisters {
  private readonly locals: (Local | undefined)[] = new Array(REGISTERS).fill(undefined);
  private readonly isSet: boolean[] = new Array(REGISTERS).fill(false);

  constructor(
    private readonly builder: FunctionBuilder,
    private readonly base: number,
  ) {}

  /** All 64 bits. */
  whole(number: number): Code {
    return get(this.local(number));
  }

  /** @param isHigh AH, CH, DH or BH, by the number of the register they are in. */
  read(number: number, size: number, isHigh: boolean): Code {
    const value = this.whole(number);
    if (size === 8) return value;
    if (size === 4) return wrap(value);
    const low = wrap(isHigh ? I64.shrU(value, I64.constant(8)) : value);
    return [low, int(size === 1 ? 0xff : 0xffff), 0x71];
  }

  write(number: number, size: number, isHigh: boolean, value: Code): Code {
    const local = this.local(number);
    this.isSet[number] = true;
    if (size === 8) return set(local, value);
    if (size === 4) return set(local, extendUnsigned(value));
    const mask = size === 2 ? 0xffffn : isHigh ? 0xff00n : 0xffn;
    const wide = extendUnsigned(value);
    // The value is computed before the register is read: it may change it.
    const placed = isHigh ? I64.shl(wide, I64.constant(8)) : wide;
    return set(local, I64.or(placed, I64.and(get(local), I64.constant(~mask))));
  }

  /** Loads every register that the region uses; to be emitted once everything else is. */
  loadAll(): Code {
    return this.locals.map((local, number) =>
      local === undefined ? [] : set(local, I64.load(8)(int(0), this.base + STATE.general + number * 8)),
    );
  }

  /** Writes back what the region sets. */
  storeAll(): Code {
    return this.locals.map((local, number) =>
      local === undefined || !this.isSet[number]
        ? []
        : I64.store(8)(int(0), get(local), this.base + STATE.general + number * 8),
    );
  }

  private local(number: number): Local {
    let local = this.locals[number];
    if (local === undefined) {
      local = this.builder.local("i64");
      this.locals[number] = local;
    }
    return local;
  }
}
