/**
 * A cache of decoded code by linear address (NetBurst's execution trace cache), as far as it matters to who switches address
 * spaces: a flush of the instruction TLB empties it, and every line of code that runs then is read from the L2 and decoded
 * once more. Its size, and traces across branches, are not modelled: a line of 64 bytes stays until the next flush.
 *
 *      block entered ─→ header: this epoch? ── yes ─→ go on
 *                                   └ no ─→ each of its lines: this epoch? no → CostName decode_line, and now it is
 */
import {
  add,
  and,
  atMost,
  type Code,
  call,
  type FunctionReference,
  float,
  get,
  ifThen,
  ifUnlikely,
  int,
  type Local,
  load,
  loadByte,
  ne,
  or,
  set,
  shl,
  shrUnsigned,
  store,
  sub,
  whileLoop,
} from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import { HEADER, RECORD, RECORD_BYTES } from "../record.js";
import type { RuntimeParts } from "./parts.js";

const LINE_SHIFT = 6;
const LINES_OF_FRAME = 64;

/** What a block's entry does besides on such a processor. @param epochAddress of REGISTER.codeEpoch. @param decode calls decodeLines. */
export function unlessDecoded(epochAddress: number, header: Code, decode: Code): Code {
  return ifUnlikely(ne(load(header, HEADER.codeEpoch), load(int(0), epochAddress)), decode);
}

/** (header) → : has the lines of a block decoded. Bytes in a second page are left out. Undefined where code is cached as it is. */
export function defineDecodeLines(parts: RuntimeParts): FunctionReference | undefined {
  const { machine, emitter } = parts;
  const { decodedLines } = machine.code!;
  if (decodedLines.length === 0) return undefined;
  const epochAddress = emitter.registerAddress("codeEpoch");
  return parts.module.define(
    ["i32"],
    false,
    (builder, header) => {
      const epoch = builder.local();
      const line = builder.local();
      const last = builder.local();
      const record = builder.local();
      const place = (at: Local, field: number): Code => I32.load(2)(get(at), field);
      return [
        set(epoch, load(int(0), epochAddress)),
        store(get(header), get(epoch), HEADER.codeEpoch),
        set(record, add(get(header), shl(load(get(header), HEADER.count), int(Math.log2(RECORD_BYTES))))),
        // The last byte of the last instruction; in the next page, of this one.
        set(last, sub(add(place(record, RECORD.pageOffset), loadByte(get(record), RECORD.length)), int(1))),
        set(last, shrUnsigned(get(last), int(LINE_SHIFT))),
        ifThen(atMost(int(LINES_OF_FRAME), get(last)), set(last, int(LINES_OF_FRAME - 1))),
        set(line, shrUnsigned(place(header, HEADER.pageOffset), int(LINE_SHIFT))),
        whileLoop(atMost(get(line), get(last)), [
          decodeLine(parts, header, line, epoch),
          set(line, add(get(line), int(1))),
        ]),
      ];
    },
    "decodeLines",
  );
}

function decodeLine(parts: RuntimeParts, header: Local, line: Local, epoch: Local): Code {
  const { machine, emitter } = parts;
  const lines = machine.code!.decodedLines.byteOffset;
  const index = or(
    shl(load(get(header), HEADER.frame), int(LINE_SHIFT)),
    and(get(line), int(LINES_OF_FRAME - 1)),
  );
  const address = shl(index, int(2));
  return ifThen(ne(load(address, lines), get(epoch)), [
    store(address, get(epoch), lines),
    emitter.charge("guest_memory", float(machine.costs.decode_line)),
  ]);
}

/** The same in the runtime, where the machine models it. */
export const decodeOnEntry = (
  parts: RuntimeParts,
  decodeLines: FunctionReference | undefined,
  header: Local,
): Code =>
  decodeLines === undefined
    ? []
    : unlessDecoded(parts.emitter.registerAddress("codeEpoch"), get(header), call(decodeLines, get(header)));
