/**
 * The data caches' `access` (cache.ts), compiled: four ways are compared at once, and a miss moves a set by one place
 * with overlapping vector stores.
 */
import type { CacheLevel, Caches } from "../../cache.js";
import {
  add,
  and,
  anyTrue,
  type Code,
  call,
  eq,
  type FunctionReference,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  load,
  loadVector,
  mul,
  or,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  splat,
  store,
  storeLane,
  storeTwoLanes,
  storeVector,
  vectorEq,
  vectorOr,
} from "../../wasm/code.js";
import type { Emitter } from "./emitter.js";

/** (frame, line) → latency in cycles; leaves the level that had the line in `emitter.cacheLevel`. */
export function defineCacheAccess(emitter: Emitter, caches: Caches): FunctionReference {
  const uses = caches.levels.map((level) => defineUse(emitter, level));
  return emitter.module.define(["i32", "i32"], true, (_builder, frame, line) => [
    caches.levels.map((level, index) =>
      ifThen(call(uses[index]!, get(frame), get(line)), [
        setGlobal(emitter.cacheLevel, int(index + 1)),
        giveBack(int(level.latency)),
      ]),
    ),
    setGlobal(emitter.cacheLevel, int(4)),
    int(caches.dramLatency),
  ]);
}

/** (frame, line) → 1 if the level had the line. It is the most recent of its set afterwards. */
function defineUse(emitter: Emitter, level: CacheLevel): FunctionReference {
  const { ways, setMask, lineBits } = level;
  return emitter.module.define(["i32", "i32"], true, (builder, frame, line) => {
    const base = builder.local();
    const tag = builder.local();
    const previous = builder.local();
    const here = builder.local();
    const setNumber = and(or(shl(get(frame), int(6)), get(line)), int(setMask));
    const tagOf =
      lineBits === 0
        ? get(frame)
        : or(shl(get(frame), int(lineBits)), shrUnsigned(get(line), int(6 - lineBits)));
    const start: Code = [
      set(base, add(int(level.tags.byteOffset), mul(setNumber, int(ways * 4)))),
      set(tag, add(tagOf, int(1))),
      ifThen(eq(load(get(base)), get(tag)), giveBack(int(1))),
    ];
    // Moves the tags before the hit by one place, from the front.
    const shiftToHit: Code = [
      set(previous, load(get(base))),
      store(get(base), get(tag)),
      Array.from({ length: ways - 1 }, (_, index) => [
        set(here, load(get(base), (index + 1) * 4)),
        store(get(base), get(previous), (index + 1) * 4),
        ifThen(eq(get(here), get(tag)), giveBack(int(1))),
        set(previous, get(here)),
      ]),
    ];
    if (ways % 4 !== 0) return [start, shiftToHit, int(0)];
    const groups = Array.from({ length: ways / 4 }, () => builder.local("v128"));
    const wanted = builder.local("v128");
    const equals = groups.map((group) => vectorEq(get(group), get(wanted)));
    const lastGroup = groups.length - 1;
    return [
      start,
      set(wanted, splat(get(tag))),
      groups.map((group, index) => set(group, loadVector(get(base), index * 16))),
      ifElse(
        anyTrue(equals.reduce((all, one) => vectorOr(all, one))),
        [shiftToHit],
        [
          groups.slice(0, -1).map((group, index) => storeVector(get(base), get(group), index * 16 + 4)),
          // The last group moves by one place without its last way.
          storeTwoLanes(get(base), get(groups[lastGroup]!), lastGroup * 16 + 4),
          storeLane(get(base), get(groups[lastGroup]!), 2, lastGroup * 16 + 12),
          store(get(base), get(tag)),
        ],
      ),
      int(0),
    ];
  });
}
