/**
 * The reference driver, compiled to WebAssembly for one machine: geometry, prices and addresses are constants of the
 * code. It does exactly what ReferenceDriver does (execute/references.ts) on the same state in linear memory, several
 * times as fast; tests hold the two against each other. Chosen when the machine is made (machine.ts).
 */
import { EVENT } from "../../../events/events.js";
import type { Caches } from "../../cache.js";
import type { Mmu } from "../../mmu/mmu.js";
import { ModuleBuilder } from "../../wasm/module.js";
import { type Driver, PREDICTIONS, READ_AHEAD } from "../driver.js";
import { isCompilable } from "./arrays.js";
import { defineOnce, defineRun, defineWarm } from "./batch.js";
import { defineCacheAccess } from "./caches.js";
import { Emitter, type Places } from "./emitter.js";
import { defineMmu } from "./mmu.js";

export interface CompiledDriverParts {
  readonly memory: WebAssembly.Memory;
  readonly places: Places;
  readonly mmu: Mmu;
  readonly caches: Caches;
  /** Whether the guest's own references go through them too. */
  readonly cachesData: boolean;
  readonly referenceCost: number;
  /** References that fit `batch`. */
  readonly batchLength: number;
  /** Two words a reference, as in a batch (address.ts). */
  readonly batch: Int32Array;
  /** PREDICTIONS words for data and as many for fetches. */
  readonly predicted: Int32Array;
}

/** Whether every array has a policy that the compiled driver knows. */
export function canCompile(mmu: Mmu): boolean {
  const { l1i, l1d, l2 } = mmu.parts;
  return [l1i, l1d, l2].every((tlb) => tlb === undefined || tlb.arrays.every(isCompilable));
}

export class CompiledDriver implements Driver {
  frame = 0;
  private readonly runBatch: (from: number, to: number, user: number) => number;
  private readonly runOne: (hi: number, lo: number, kind: number, user: number) => number;
  private readonly warm: (from: number, to: number) => number;
  private missesOften = false;

  constructor(private readonly parts: CompiledDriverParts) {
    const { mmu, places, predicted } = parts;
    // Every prediction names some entry of the right level, and is checked when it is used.
    predicted.fill(places.store + mmu.parts.l1d.arrays[0]!.base * 4, 0, PREDICTIONS);
    predicted.fill(places.store + mmu.parts.l1i.arrays[0]!.base * 4, PREDICTIONS);
    const exported = compile(parts).instantiate({ memory: parts.memory });
    this.runBatch = exported["run"]!;
    this.runOne = exported["once"]!;
    this.warm = exported["warm"]!;
  }

  run(refs: Int32Array, from: number, to: number, user: boolean): number {
    const { batch, batchLength, mmu } = this.parts;
    const { events } = mmu.parts.counters;
    for (let first = from; first < to; first += batchLength) {
      const count = Math.min(batchLength, to - first);
      batch.set(refs.subarray(2 * first, 2 * (first + count)));
      for (let start = 0; start < count; ) {
        const end = this.missesOften ? Math.min(start + READ_AHEAD, count) : count;
        if (this.missesOften) this.warm(start, end);
        const walks = events[EVENT.walks]!;
        const reached = this.runBatch(start, end, user ? 1 : 0);
        if (reached < end) return first + reached;
        this.missesOften = (events[EVENT.walks]! - walks) * 8 > end - start;
        start = end;
      }
    }
    return to;
  }

  once(hi: number, lo: number, kind: number, user: boolean): boolean {
    this.frame = this.runOne(hi, lo, kind, user ? 1 : 0);
    return this.frame >= 0;
  }
}

function compile(parts: CompiledDriverParts): ModuleBuilder {
  const module = new ModuleBuilder();
  const emitter = new Emitter(module, parts.places);
  const cacheAccess = defineCacheAccess(emitter, parts.caches);
  const translate = defineMmu(emitter, parts.mmu, cacheAccess);
  const dataAccess = parts.cachesData ? cacheAccess : undefined;
  defineOnce(emitter, parts, translate, dataAccess);
  defineRun(emitter, parts, translate, dataAccess);
  defineWarm(emitter, parts);
  return module;
}
