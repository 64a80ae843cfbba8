/** Translation of one reference, compiled: what Mmu's `translate` does (mmu/mmu.ts). */
import { D, G, NX, RW, US } from "../../mmu/entry.js";
import type { Mmu } from "../../mmu/mmu.js";
import { FETCH, needOf, READ, WRITE } from "../../mmu/permissions.js";
import { USE_STEP } from "../../mmu/translations.js";
import { WALK_DONE } from "../../mmu/walker.js";
import {
  add,
  and,
  type Code,
  call,
  countLeadingZeros,
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
  load,
  loadFloat,
  mul,
  ne,
  or,
  select,
  set,
  shl,
  shrUnsigned,
  store,
  storeFloat,
  sub,
  xor,
} from "../../wasm/code.js";
import { FIELD, stamp } from "./arrays.js";
import type { Emitter } from "./emitter.js";
import type { CompiledWalk } from "./guest-walk.js";
import { defineTlb } from "./tlb.js";

const SUPERVISOR_READ = needOf(READ, false, true);
const WRITE_TO_READ_ONLY = needOf(WRITE, false, false);

/**
 * (high half, low half, kind, user) → L1 entry, or 0 with the status register set.
 * @param beforeReplacing code that runs before a first-level entry is overwritten.
 */
export function defineTranslate(
  emitter: Emitter,
  mmu: Mmu,
  walk: CompiledWalk,
  beforeReplacing?: (entry: Code) => Code,
): FunctionReference {
  const { l1i, l1d, l2, tlbEnabled, l2HitCost, walkStartCost } = mmu.parts;
  const instruction = defineTlb(emitter, l1i, beforeReplacing);
  const data = defineTlb(emitter, l1d, beforeReplacing);
  const unified = l2 === undefined ? undefined : defineTlb(emitter, l2);
  const now = emitter.timeAddress("now");
  const current = emitter.timeAddress("current");

  return emitter.module.define(["i32", "i32", "i32", "i32"], true, (builder, hi, lo, kind, user) => {
    const pageLo = builder.local();
    const tag = builder.local();
    const globalTag = builder.local();
    const need = builder.local();
    const first = builder.local();
    const second = builder.local();
    const status = builder.local();
    const entry = builder.local();
    const isFetch = eq(get(kind), int(FETCH));
    const address = and(shrUnsigned(get(hi), int(12)), int(0x1fff));
    const time = loadFloat(int(0), current);
    const allows = (found: Code): Code => ne(and(load(found, FIELD.flags), get(need)), int(0));
    const findSecond: Code =
      unified === undefined ? [] : set(second, call(unified.find, get(pageLo), get(tag), get(globalTag)));
    const fillFirst = (
      known: Code,
      tagHi: Code,
      order: Code,
      guestOrder: Code,
      frame: Code,
      flags: Code,
    ): Code => {
      const operands = [known, get(pageLo), tagHi, order, guestOrder, frame, flags];
      return ifElse(
        isFetch,
        set(entry, call(instruction.fill, ...operands)),
        set(entry, call(data.fill, ...operands)),
      );
    };
    const orderOfMask = (mask: Code): Code => sub(int(31), countLeadingZeros(sub(int(0), mask)));
    const promote: Code = [
      fillFirst(
        int(0),
        load(get(second), FIELD.tagHi),
        orderOfMask(load(get(second), FIELD.mask)),
        orderOfMask(load(get(second), FIELD.guestMask)),
        add(load(get(second), FIELD.frame), and(get(pageLo), xor(load(get(second), FIELD.mask), int(-1)))),
        load(get(second), FIELD.flags),
      ),
      giveBack(get(entry)),
    ];
    const lookUp: Code = [
      ifElse(
        isFetch,
        set(first, call(instruction.find, get(pageLo), get(tag), get(globalTag))),
        set(first, call(data.find, get(pageLo), get(tag), get(globalTag))),
      ),
      ifElse(
        get(first),
        [
          ifThen(allows(get(first)), [stamp(emitter, get(first), time), giveBack(get(first))]),
          emitter.count("tlb_permission_walks"),
          findSecond,
        ],
        [
          ifElse(isFetch, emitter.count("tlb_l1i_misses"), emitter.count("tlb_l1d_misses")),
          findSecond,
          ifElse(
            get(second),
            [
              ifThen(allows(get(second)), [
                emitter.count("tlb_l2_hits"),
                emitter.charge("tlb_l2", float(l2HitCost)),
                stamp(emitter, get(second), time),
                promote,
              ]),
              emitter.count("tlb_permission_walks"),
            ],
            emitter.count("tlb_misses"),
          ),
        ],
      ),
    ];
    const flags = builder.local();
    const tagHi = builder.local();
    const order = getGlobal(walk.order);
    const guestOrder = getGlobal(walk.guestOrder);
    return [
      storeFloat(int(0), loadFloat(int(0), now), current),
      storeFloat(int(0), floatAdd(time, float(USE_STEP)), now),
      set(pageLo, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
      set(tag, or(emitter.register("context"), address)),
      set(globalTag, or(emitter.register("globalContext"), address)),
      set(
        need,
        select(
          and(and(isZero(get(user)), eq(get(kind), int(WRITE))), isZero(emitter.register("writeProtect"))),
          int(needOf(WRITE, false, false)),
          shl(select(get(user), int(needOf(READ, true, true)), int(needOf(READ, false, true))), get(kind)),
        ),
      ),
      tlbEnabled ? lookUp : emitter.count("tlb_misses"),
      emitter.charge("walk_guest", float(walkStartCost)),
      set(status, call(walk.walk, get(hi), get(lo), get(kind), get(user), get(tag))),
      emitter.setRegister("status", get(status)),
      ifThen(ne(get(status), int(WALK_DONE)), giveBack(int(0))),
      set(tagHi, select(and(getGlobal(walk.rights), int(G)), get(globalTag), get(tag))),
      set(flags, permissions(getGlobal(walk.rights))),
      ifThen(ne(order, guestOrder), emitter.setRegister("hasFractures", int(1))),
      unified === undefined
        ? []
        : set(
            entry,
            call(
              unified.fill,
              get(second),
              get(pageLo),
              get(tagHi),
              order,
              guestOrder,
              getGlobal(walk.frame),
              get(flags),
            ),
          ),
      fillFirst(get(first), get(tagHi), order, guestOrder, getGlobal(walk.frame), get(flags)),
      ifThen(
        ne(load(get(entry), FIELD.mask), shl(int(-1), guestOrder)),
        emitter.setRegister("hasFractures", int(1)),
      ),
      tlbEnabled ? [] : store(get(entry), int(-1), FIELD.tagHi),
      get(entry),
    ];
  });
}

/**
 * permissionsOf (mmu/permissions.ts), without a branch: read, write and execute as bits 0 to 2 for users, as bits 4 to 6 for
 * supervisors, and bit 9.
 */
export function permissions(rights: Code): Code {
  const flag = (bit: number): Code => and(shrUnsigned(rights, int(31 - Math.clz32(bit))), int(1));
  const mayWrite = shl(and(flag(D), flag(RW)), int(WRITE));
  const mayExecute = shl(xor(flag(NX), int(1)), int(FETCH));
  const bits = or(int(1 << READ), or(mayWrite, mayExecute));
  return or(mul(bits, or(int(SUPERVISOR_READ), flag(US))), mul(flag(D), int(WRITE_TO_READ_ONLY)));
}
