/**
 * A translated unit as text, each of the guest's instructions beside what is in the translation cache for it: for people who want
 * to see a translation (`virtlab translation`).
 */
import { decode } from "../../machine/x86/decode.js";
import { disassemble } from "../../machine/x86/disassemble.js";
import type { CallOut, Unit } from "./translate.js";

export interface ListedInstruction {
  readonly guest: number;
  readonly text: string;
  /** "identical" where it is executed as it is. */
  readonly how: "identical" | "translated";
  readonly translation: readonly {
    readonly address: number;
    readonly text: string;
    /** Why the monitor is called there. */
    readonly calls?: string;
  }[];
}

export function listUnit(unit: Unit): ListedInstruction[] {
  const starts = unit.starts.filter(({ guest }) => guest - unit.guest < unit.source.length);
  return starts.map(({ address, guest }, index) => {
    const end = starts[index + 1]?.address ?? unit.address + unit.bytes.length;
    const own = textAt(unit, unit.source, guest - unit.guest, guest);
    const translation = listCode(unit, address, end);
    const isIdentical = translation.length === 1 && translation[0]!.text === own.text;
    return { guest, text: own.text, how: isIdentical ? "identical" : "translated", translation };
  });
}

function listCode(unit: Unit, from: number, end: number): ListedInstruction["translation"] {
  const listed = [];
  for (let address = from; address < end; ) {
    const { text, length } = textAt(unit, unit.bytes, address - unit.address, address);
    const call = unit.callOuts.get(address);
    listed.push({ address, text, ...(call === undefined ? {} : { calls: reasonOf(call) }) });
    address += length;
  }
  return listed;
}

function textAt(
  { width }: Unit,
  bytes: Uint8Array,
  offset: number,
  address: number,
): { text: string; length: number } {
  const instruction = decode(bytes.subarray(offset), 0, width.bits);
  if (typeof instruction !== "object") return { text: "(no instruction)", length: 1 };
  return { text: disassemble(instruction, { address: BigInt(address) }), length: instruction.length };
}

function reasonOf(call: CallOut): string {
  switch (call.kind) {
    case "emulate":
      return call.isInCache ? "done within the cache" : "the monitor does it";
    case "link":
      return `to 0x${call.guest.toString(16)}: translated when first gone to, then chained`;
    case "branch":
      return "a target that is not remembered";
    case "pending":
      return "an interrupt waits";
    case "store":
      return "a store that faults often is made within the cache";
    case "gone":
      return "dropped";
  }
}
