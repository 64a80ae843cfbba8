/** What the definitions of the runtime share: addresses, functions that they call, and the small pieces of code that recur. */
import { CR4 } from "../../../cpu/control-bits.js";
import { STATE } from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import { TIME } from "../../../registers.js";
import {
  and,
  type Code,
  callIndirect,
  type FunctionReference,
  type Global,
  get,
  int,
  type Local,
  loadByte,
  select,
} from "../../../wasm/code.js";
import { I32, I64, wrap } from "../../../wasm/integers.js";
import type { ModuleBuilder } from "../../../wasm/module.js";
import { defineCacheAccess } from "../../compiled/caches.js";
import { Emitter } from "../../compiled/emitter.js";
import type { SlotPlaces } from "../fast-slots.js";
import { StateCode } from "../state-code.js";
import { TABLE_INDEX } from "./contract.js";

/** Where the tables of slots and what they point to lie in a machine. */
export function slotPlaces(machine: Machine): SlotPlaces {
  return {
    store: machine.places.store,
    slots: machine.code!.slots.byteOffset,
    heads: machine.code!.slotHeads.byteOffset,
    now: machine.places.registers.words.byteOffset + TIME.now * 8,
  };
}

export class RuntimeParts extends StateCode {
  readonly ram: number;
  readonly frames: number;
  readonly frameKinds: number;
  readonly bounce: number;
  readonly slots: number;
  readonly buckets: number;
  readonly places: SlotPlaces;
  readonly emitter: Emitter;
  readonly translateType;
  readonly handlerType;
  /** Access through the data caches, where they are modelled for data; then no access takes the quick way. */
  readonly cacheAccess: FunctionReference | undefined;
  /** Whether what was translated is found again without a walk: never, where the machine has no TLB. */
  readonly keepsSlots: boolean;
  /** The entry of references while paging is off. */
  readonly identityEntry: number;
  /** The L1 entry that `frameOf` found. */
  readonly entry: Global;
  claim!: FunctionReference;
  drop!: FunctionReference;
  frameOf!: FunctionReference;
  fetchPage!: FunctionReference;

  constructor(
    readonly machine: Machine,
    readonly module: ModuleBuilder,
  ) {
    const code = machine.code!;
    super(code.cpu.base);
    this.ram = machine.places.ram;
    this.frames = machine.options.backedFrames;
    this.frameKinds = code.frameKinds.byteOffset;
    this.bounce = this.base + STATE.bounce;
    this.slots = code.slots.byteOffset;
    this.buckets = code.buckets.byteOffset;
    this.places = slotPlaces(machine);
    this.emitter = new Emitter(module, { ...machine.places, left: this.base + STATE.left });
    this.entry = module.global();
    this.translateType = module.type({ parameters: ["i32", "i32", "i32", "i32"], result: "i32" });
    this.handlerType = module.type({ parameters: ["i32"], result: "i32" });
    const { words } = machine.mmu.parts.store;
    this.identityEntry = words.byteOffset + words.byteLength - 32;
    this.cacheAccess =
      machine.options.caches === "all" ? defineCacheAccess(this.emitter, machine.caches) : undefined;
    this.keepsSlots = machine.options.tlb;
  }

  /** Notes a fault; the caller leaves. */
  fault(vector: number | Code, code: Code): Code {
    return [
      this.setWord(STATE.faultVector, typeof vector === "number" ? int(vector) : vector),
      this.setWord(STATE.faultCode, code),
    ];
  }

  /** FRAME_KIND of a frame of RAM. */
  kindOf(frame: Code): Code {
    return loadByte(frame, this.frameKinds);
  }

  /** What the function in the table says to a linear address: an entry, or 0. */
  translate(linear: Local, kind: Code, user: Code): Code {
    return callIndirect(
      this.translateType,
      int(TABLE_INDEX.translate),
      wrap(I64.shrU(get(linear), I64.constant(32))),
      wrap(get(linear)),
      kind,
      user,
    );
  }

  /** Canonical addresses: vol. 1, 3.3.7.1. Five-level paging (CR4.LA57) widens them. */
  isNotCanonical(linear: Local): Code {
    const above = select(and(this.word(STATE.cr4), int(CR4.LA57)), I64.constant(7), I64.constant(16));
    return I64.ne(I64.shrS(I64.shl(get(linear), above), above), get(linear));
  }
}

export const isBelow = (left: Code, right: Code): Code => I32.ltU(left, right);
export const pageOf = (linear: Code): Code => I64.and(linear, I64.constant(-4096));
