/**
 * A host-speed trick, invisible in results: the bytes of an access that has missed every slot are read before their
 * translation is looked up. The host then fetches them, from far away as a rule, while it looks through the modelled TLB
 * and walks; without that each of the guest's misses waits for one of the host's.
 *
 * Where the level-1 table is comes from the hints that walks leave (mmu/leaf-hints.ts): a wrong one reads other bytes. In two
 * dimensions nothing is read.
 */
import type { Walker } from "../../mmu/walker.js";
import {
  add,
  and,
  type Code,
  drop,
  get,
  int,
  type Local,
  load,
  loadByte,
  or,
  select,
  set,
  shl,
  shrUnsigned,
} from "../../wasm/code.js";
import { I32 } from "../../wasm/integers.js";
import type { Emitter } from "../compiled/emitter.js";

/**
 * @param hi,lo halves of the linear address.
 * @param entry to work with.
 * @param ramBytes bytes of memory: what an entry names beyond it is not read.
 */
export function readAhead(
  emitter: Emitter,
  walker: Walker,
  hi: Local,
  lo: Local,
  entry: Local,
  ramBytes: number,
): Code {
  const { hints, format, host } = walker.parts;
  if (host !== undefined) return [];
  const { ram } = emitter.places;
  const tableBits = Math.log2(format.entries);
  const entryShift = Math.log2(format.entryBytes);
  const low = shrUnsigned(get(lo), int(12));
  const number = shrUnsigned(or(low, shl(get(hi), int(20))), int(tableBits));
  const table = load(
    shl(and(number, int(hints.guestTables.length - 1)), int(2)),
    hints.guestTables.byteOffset,
  );
  const word = add(shl(table, int(12)), shl(and(low, int(format.entries - 1)), int(entryShift)));
  return [
    set(entry, and(load(word, ram), int(-4096))),
    drop(
      loadByte(
        or(select(I32.ltU(get(entry), int(ramBytes)), get(entry), int(0)), and(get(lo), int(4095))),
        ram,
      ),
    ),
  ];
}
