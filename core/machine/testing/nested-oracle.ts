/**
 * The second dimension written down plainly, and composed with the oracle of the first (reference-translator.ts): guest
 * tables are read through the nested table, and guest-physical addresses mean nothing else. Intel SDM vol. 3, 29.3
 * (EPT), AMD APM vol. 2, 15.25 (NPT). Entries are BigInts. As in the machine, guest entries get their A and D bits only
 * when everything has succeeded; nested ones when their own translation has.
 *
 * Left out: execute-only and otherwise misconfigured entries, supervisor pages in an NPT, reserved bits, and the write
 * access of setting a guest entry's A or D bit where nested A and D bits are off.
 */
import {
  type Access,
  type PagingControls,
  type PhysicalMemory,
  type Translation,
  translate,
} from "../../guest/testing/reference-translator.js";

export interface NestedControls {
  readonly format: "ept" | "npt";
  readonly levels: 4 | 5;
  /** A and D bits of an EPT; an NPT always has them. */
  readonly accessedDirty: boolean;
  readonly root: bigint;
}

interface NestedPage {
  readonly frame: bigint;
  readonly pageBytes: bigint;
  readonly executable: boolean;
  /** A further write needs no other walk: allowed, and already dirty where that is tracked. */
  readonly writableNow: boolean;
}

export type NestedTranslation =
  | Translation
  | { readonly kind: "violation"; readonly frame: bigint; readonly write: boolean; readonly table: boolean };

const smaller = (a: bigint, b: bigint): bigint => (b < a ? b : a);

class Violation {
  constructor(readonly result: NestedTranslation) {}
}

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;

/** Guest-physical frame → host frame for one access, or undefined: a violation. Sets nested A and D bits. */
export function nestedTranslate(
  memory: PhysicalMemory,
  controls: NestedControls,
  gfn: bigint,
  access: { readonly write: boolean; readonly fetch: boolean },
): NestedPage | undefined {
  const isEpt = controls.format === "ept";
  const hasBits = !isEpt || controls.accessedDirty;
  const [accessed, dirty] = isEpt ? [8, 9] : [5, 6];
  const path: bigint[] = [];
  let table = controls.root;
  let writable = true;
  let executable = true;
  for (let level = controls.levels; ; level--) {
    const address = table * 4096n + ((gfn >> BigInt(9 * (level - 1))) & 511n) * 8n;
    const entry = memory.read(address, 8);
    if (isEpt ? (entry & 7n) === 0n : !bit(entry, 0)) return undefined;
    path.push(address);
    writable &&= bit(entry, 1);
    executable &&= isEpt ? bit(entry, 2) : !bit(entry, 63);
    const frame = (entry >> 12n) & ((1n << 40n) - 1n);
    if (level > 1 && !bit(entry, 7)) {
      table = frame;
      continue;
    }
    if ((access.write && !writable) || (access.fetch && !executable)) return undefined;
    if (hasBits) {
      path.forEach((at, step) => {
        const isLeaf = step === path.length - 1;
        const set = (1n << BigInt(accessed!)) | (isLeaf && access.write ? 1n << BigInt(dirty!) : 0n);
        memory.write(at, 8, memory.read(at, 8) | set);
      });
    }
    const frames = 1n << BigInt(9 * (level - 1));
    const isDirty = !hasBits || access.write || bit(entry, dirty!);
    return {
      frame: frame + (gfn & (frames - 1n)),
      pageBytes: frames * 4096n,
      executable,
      writableNow: writable && isDirty,
    };
  }
}

/** Both dimensions. Frames of the guest (root, PDPTEs) are guest-physical; the result is host-physical. */
export function translateNested(
  memory: PhysicalMemory,
  guest: PagingControls,
  nested: NestedControls,
  root: bigint,
  pdptes: readonly bigint[],
  linear: bigint,
  access: Access,
): NestedTranslation {
  const tableReadsAreWrites = nested.format === "npt" || nested.accessedDirty;
  const place = (address: bigint): bigint => {
    const gfn = address >> 12n;
    const page = nestedTranslate(memory, nested, gfn, { write: tableReadsAreWrites, fetch: false });
    if (page === undefined) {
      throw new Violation({ kind: "violation", frame: gfn, write: tableReadsAreWrites, table: true });
    }
    return (page.frame << 12n) | (address & 0xfffn);
  };
  const pending: (() => void)[] = [];
  const guestMemory: PhysicalMemory = {
    read: (address, bytes) => memory.read(place(address), bytes),
    write: (address, bytes, value) => {
      const at = place(address);
      pending.push(() => memory.write(at, bytes, memory.read(at, bytes) | value));
    },
  };
  try {
    const page = translate(guestMemory, guest, root, pdptes, linear, access);
    if (page.kind === "fault") return page;
    const host = nestedTranslate(memory, nested, page.address >> 12n, access);
    if (host === undefined) {
      return { kind: "violation", frame: page.address >> 12n, write: access.write, table: false };
    }
    for (const write of pending) write();
    return {
      ...page,
      address: (host.frame << 12n) | (page.address & 0xfffn),
      pageBytes: smaller(page.pageBytes, host.pageBytes),
      executable: page.executable && host.executable,
      dirty: page.dirty && host.writableNow,
    };
  } catch (thrown) {
    if (thrown instanceof Violation) return thrown.result;
    throw thrown;
  }
}
