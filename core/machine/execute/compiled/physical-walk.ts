/** The walk of the second dimension alone, compiled: what PhysicalWalker does (mmu/physical-walker.ts). */
import { D, NX, RW, US } from "../../mmu/entry.js";
import { FETCH, WRITE } from "../../mmu/permissions.js";
import { WALK_DONE, WALK_VIOLATION } from "../../mmu/walker.js";
import {
  call,
  eq,
  get,
  getGlobal,
  giveBack,
  ifThen,
  int,
  lessThan,
  or,
  select,
  set,
  setGlobal,
  shl,
  shrUnsigned,
} from "../../wasm/code.js";
import type { Emitter } from "./emitter.js";
import { type CompiledWalk, countedWalk, walkResults } from "./guest-walk.js";
import type { CompiledHostWalk } from "./host-walk.js";

export function definePhysicalWalk(emitter: Emitter, host: CompiledHostWalk): CompiledWalk {
  const results = walkResults(emitter);
  const descend = emitter.module.define(
    ["i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, hi, lo, kind) => {
      const gfn = builder.local();
      const frame = builder.local();
      const isWrite = eq(get(kind), int(WRITE));
      const dirty = select(getGlobal(host.writable), int(D), int(0));
      const noExecute = select(getGlobal(host.executable), int(0), int(NX));
      return [
        set(gfn, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
        set(frame, call(host.translate, get(gfn), isWrite, eq(get(kind), int(FETCH)))),
        ifThen(lessThan(get(frame), int(0)), [
          emitter.setRegister("violationFrame", get(gfn)),
          emitter.setRegister("violationWrite", isWrite),
          emitter.setRegister("violationTable", int(0)),
          giveBack(int(WALK_VIOLATION)),
        ]),
        setGlobal(results.frame, get(frame)),
        setGlobal(results.rights, or(int(RW | US), or(dirty, noExecute))),
        setGlobal(results.order, getGlobal(host.order)),
        setGlobal(results.guestOrder, getGlobal(host.order)),
        int(WALK_DONE),
      ];
    },
  );
  return countedWalk(emitter, descend, results);
}
