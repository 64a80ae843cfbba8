/** The sixteen conditions as functions of the flags at their places in RFLAGS (Intel SDM vol. 1, B.1). */
import { RFLAGS } from "../../cpu/state.js";
import { type Code, int } from "../../wasm/code.js";
import { I32 } from "../../wasm/integers.js";

const any =
  (mask: number) =>
  (flags: Code): Code =>
    I32.ne(I32.and(flags, int(mask)), int(0));
const bit = (flags: Code, place: number): Code => I32.and(I32.shrU(flags, int(place)), int(1));
const SF = 7;
const OF = 11;
const ZF = 6;
const less = (flags: Code): Code => I32.xor(bit(flags, SF), bit(flags, OF));
const POSITIVE: readonly ((flags: Code) => Code)[] = [
  any(RFLAGS.OF),
  any(RFLAGS.CF),
  any(RFLAGS.ZF),
  any(RFLAGS.CF | RFLAGS.ZF),
  any(RFLAGS.SF),
  any(RFLAGS.PF),
  less,
  (flags) => I32.or(less(flags), bit(flags, ZF)),
];

/** By condition code; the flags are evaluated up to three times. Leaves 0 or 1. */
export const FLAG_CONDITIONS: readonly ((flags: Code) => Code)[] = POSITIVE.flatMap((condition) => [
  condition,
  (flags: Code): Code => I32.isZero(condition(flags)),
]);
