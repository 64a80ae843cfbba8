/** An access that no slot has: everything that may be unusual about it, in the order in which processors look at it. */
import { EXCEPTION, MODE, STATE } from "../../../cpu/state.js";
import { READ, WRITE } from "../../../mmu/permissions.js";
import {
  add,
  and,
  type Code,
  call,
  type FunctionReference,
  get,
  getGlobal,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  lessThan,
  load,
  loadByte,
  ne,
  select,
  set,
  shl,
  shrUnsigned,
  store,
  sub,
  toFloat,
  whileLoop,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64, wrap } from "../../../wasm/integers.js";
import { FIELD } from "../../compiled/arrays.js";
import { SLOT, slotOf, TABLE } from "../fast-slots.js";
import { FRAME_KIND, GRANULE_SHIFT } from "../memory.js";
import { defineBreakpoints } from "./breakpoints.js";
import { ACCESS, QUICK } from "./contract.js";
import { isBelow, pageOf, type RuntimeParts } from "./parts.js";

/** Notes an access for TypeScript, or for `commit`. */
const noteAccess = (parts: RuntimeParts, size: Local, linear: Local, frame: Code, frame2: Code): Code => [
  parts.setWord(STATE.pendingBytes, get(size)),
  parts.setLong(STATE.pendingAddress, get(linear)),
  parts.setWord(STATE.pendingFrame, frame),
  parts.setWord(STATE.pendingFrame2, frame2),
];

/** Whether a frame is RAM. */
const isOrdinary = (parts: RuntimeParts, frame: Local): Code =>
  select(
    isBelow(get(frame), int(parts.frames)),
    ne(
      parts.kindOf(select(isBelow(get(frame), int(parts.frames)), get(frame), int(0))),
      int(FRAME_KIND.device),
    ),
    int(0),
  );

/** No address, as the segment of the access has it: #SS(0) or #GP(0). */
const outside = (parts: RuntimeParts, access: Local): Code => [
  parts.fault(select(and(get(access), int(ACCESS.stack)), int(EXCEPTION.SS), int(EXCEPTION.GP)), int(0)),
  giveBack(int(0)),
];

/** (linear, size, kind, access, user) → the bounce buffer, or 0: an access to the last bytes of a page and the first of the next. */
function defineCrossing(parts: RuntimeParts, readDevice: FunctionReference): FunctionReference {
  return parts.module.define(
    ["i64", "i32", "i32", "i32", "i32"],
    true,
    (builder, linear, size, kind, access, user) => {
      const first = builder.local();
      const second = builder.local();
      const at = builder.local();
      const offset = builder.local();
      const next = builder.local("i64");
      return [
        set(next, I64.add(pageOf(get(linear)), I64.constant(4096))),
        ifElse(parts.isLongCode, ifThen(parts.isNotCanonical(next), outside(parts, access)), [
          ifThen(
            and(get(access), int(ACCESS.flat)),
            ifThen(I64.gtU(get(next), I64.constant(0xffff_ffff)), outside(parts, access)),
          ),
          set(next, I64.and(get(next), I64.constant(0xffff_ffff))),
        ]),
        set(first, call(parts.frameOf, get(linear), get(kind), get(user))),
        ifThen(lessThan(get(first), int(0)), giveBack(int(0))),
        set(second, call(parts.frameOf, get(next), get(kind), get(user))),
        ifThen(lessThan(get(second), int(0)), giveBack(int(0))),
        noteAccess(parts, size, linear, get(first), get(second)),
        ifThen(ne(and(get(access), int(ACCESS.kindMask)), int(ACCESS.write)), [
          ifElse(
            and(isOrdinary(parts, first), isOrdinary(parts, second)),
            [
              set(at, int(0)),
              set(offset, and(wrap(get(linear)), int(4095))),
              whileLoop(isBelow(get(at), get(size)), [
                I32.store(1)(
                  get(at),
                  loadByte(
                    select(
                      isBelow(add(get(offset), get(at)), int(4096)),
                      add(add(shl(get(first), int(12)), get(offset)), get(at)),
                      add(shl(get(second), int(12)), sub(add(get(offset), get(at)), int(4096))),
                    ),
                    parts.ram,
                  ),
                  parts.bounce,
                ),
                set(at, add(get(at), int(1))),
              ]),
            ],
            call(readDevice),
          ),
        ]),
        int(parts.bounce),
      ];
    },
  );
}

/** (linear, access) → host address or 0. */
export function defineSlow(parts: RuntimeParts, readDevice: FunctionReference): FunctionReference {
  const crossing = defineCrossing(parts, readDevice);
  const breakpoints = defineBreakpoints(parts);
  return parts.module.define(
    ["i64", "i32"],
    true,
    (builder, linear, access) => {
      const size = builder.local();
      const kind = builder.local();
      const user = builder.local();
      const frame = builder.local();
      const entry = builder.local();
      const slot = builder.local();
      const host = builder.local();
      const offset = builder.local();
      return [
        parts.cacheAccess === undefined
          ? [
              set(host, parts.translate(linear, int(QUICK), get(access))),
              ifThen(get(host), giveBack(get(host))),
            ]
          : [],
        ifThen(parts.isLongCode, ifThen(parts.isNotCanonical(linear), outside(parts, access))),
        set(size, shrUnsigned(get(access), int(ACCESS.sizeShift))),
        set(
          user,
          select(
            and(get(access), int(ACCESS.supervisor)),
            int(0),
            ne(and(parts.word(STATE.mode), int(MODE.user)), int(0)),
          ),
        ),
        ifThen(
          and(parts.word(STATE.mode), int(MODE.alignmentCheck)),
          ifThen(
            and(
              get(user),
              ne(
                and(wrap(get(linear)), sub(select(I32.gtU(get(size), int(8)), int(8), get(size)), int(1))),
                int(0),
              ),
            ),
            [parts.fault(EXCEPTION.AC, int(0)), giveBack(int(0))],
          ),
        ),
        set(kind, select(and(get(access), int(ACCESS.kindMask)), int(WRITE), int(READ))),
        ifThen(
          and(parts.word(STATE.mode), int(MODE.breakpoints)),
          call(breakpoints, get(linear), get(size), get(kind)),
        ),
        set(offset, and(wrap(get(linear)), int(4095))),
        ifThen(
          I32.gtU(add(get(offset), get(size)), int(4096)),
          giveBack(call(crossing, get(linear), get(size), get(kind), get(access), get(user))),
        ),
        set(frame, call(parts.frameOf, get(linear), get(kind), get(user))),
        ifThen(lessThan(get(frame), int(0)), giveBack(int(0))),
        set(entry, getGlobal(parts.entry)),
        ifThen(isZero(isOrdinary(parts, frame)), [
          noteAccess(parts, size, linear, get(frame), int(-1)),
          ifThen(ne(and(get(access), int(ACCESS.kindMask)), int(ACCESS.write)), call(readDevice)),
          giveBack(int(parts.bounce)),
        ]),
        parts.cacheAccess === undefined ? [] : chargeCaches(parts, frame, offset),
        set(host, add(add(shl(get(frame), int(12)), get(offset)), int(parts.ram))),
        ifThen(
          get(kind),
          ifThen(writesCode(parts, frame, offset, size), [
            noteAccess(parts, size, linear, get(frame), int(-1)),
            // What is there now, for a read before the write.
            I64.store(8)(int(0), I64.load(8)(get(host)), parts.bounce),
            I64.store(8)(int(0), I64.load(8)(get(host), 8), parts.bounce + 8),
            giveBack(int(parts.bounce)),
          ]),
        ),
        parts.cacheAccess === undefined && parts.keepsSlots
          ? fillSlot(parts, { slot, linear, frame, entry, user })
          : [],
        get(host),
      ];
    },
    "accessSlow",
  );
}

/** An address that was just looked up, and what was found. */
interface Found {
  readonly slot: Local;
  readonly linear: Local;
  readonly frame: Local;
  readonly entry: Local;
  readonly user: Local;
}

/** Gives the page a slot, for reads and, if the entry allows them and it has no code, for writes. */
function fillSlot(parts: RuntimeParts, { slot, linear, frame, entry, user }: Found): Code {
  const writable = ne(
    and(
      load(get(entry), FIELD.flags),
      select(
        get(user),
        int(1 << WRITE),
        select(parts.emitter.register("writeProtect"), int(1 << 5), int(1 << 9)),
      ),
    ),
    int(0),
  );
  return [
    set(
      slot,
      slotOf(add(int(parts.slots), select(get(user), int(TABLE.user), int(TABLE.supervisor))), linear),
    ),
    call(parts.claim, get(slot), get(entry)),
    store(
      get(slot),
      sub(add(shl(get(frame), int(12)), int(parts.ram)), and(wrap(get(linear)), int(-4096))),
      SLOT.addend,
    ),
    I64.store(8)(get(slot), pageOf(get(linear)), SLOT.read),
    I64.store(8)(
      get(slot),
      select(
        and(writable, ne(parts.kindOf(get(frame)), int(FRAME_KIND.code))),
        pageOf(get(linear)),
        I64.constant(-1),
      ),
      SLOT.write,
    ),
  ];
}

/** Whether a write within a page touches bytes of decoded code: most pages with code have data too. */
function writesCode(parts: RuntimeParts, frame: Local, offset: Local, size: Local): Code {
  const granules = I64.load(8)(shl(get(frame), int(3)), parts.machine.code!.granules.byteOffset);
  const bitOf = (place: Code): Code =>
    I64.shl(I64.constant(1), extendUnsigned(shrUnsigned(place, int(GRANULE_SHIFT))));
  const touched = I64.or(bitOf(get(offset)), bitOf(sub(add(get(offset), get(size)), int(1))));
  return I64.ne(I64.and(granules, touched), I64.constant(0));
}

function chargeCaches(parts: RuntimeParts, frame: Local, offset: Local): Code {
  const { caches } = parts.machine;
  const latency = call(parts.cacheAccess!, get(frame), shrUnsigned(get(offset), int(6)));
  return parts.emitter.charge("guest_memory", toFloat(sub(latency, int(caches.l1.latency))));
}
