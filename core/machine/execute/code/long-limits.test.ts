/**
 * Limits in 64-bit mode (EFER.LMSLE): cold and hot code fault alike, where the manual says (APM vol. 2, 4.12.2). Tables show
 * memory at the last 4 GiB too, so that what is within the limits goes on to the UD2 behind the loop.
 */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { differencesOf } from "../../../guest/inspect/lockstep.js";
import { Random } from "../../../util/random.js";
import { Computer, type Outcome } from "../../computer.js";
import { EFER } from "../../cpu/control-bits.js";
import { BASE, CR3_WORD, EFER_WORD, HIGHEST, PRIVILEGE, segmentWord } from "../../cpu/places.js";
import { DS, ES, FS, GS, SS } from "../../cpu/state.js";
import { PLAIN } from "../../testing/plain.js";
import { Assembler } from "../../x86/assemble.js";
import { imm, mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { al, rax, rbp, rbx, rcx, rdi, rsi, rsp, xmm0, fs, gs } = REGISTERS;
const { tbyte } = SIZES;
const MEMORY = 2 ** 21;
const CODE = 0x10_0000;
const DATA = 0x8000;
/** Turns that make a loop hot. */
const TURNS = 5_000;
const LAST_4_GIB = 0xffff_ffff_0000_0000n;
const FS_BASE = 0x30;

interface Access {
  readonly segment: number;
  readonly bytes: number;
  /** RSI has the linear address. */
  readonly emit: (a: Assembler) => void;
}

const ACCESSES: Readonly<Record<string, Access>> = {
  "a load": { segment: DS, bytes: 8, emit: (a) => a.emit("add", rax, mem(rsi)) },
  "a byte's load": { segment: DS, bytes: 1, emit: (a) => a.emit("add", al, mem(rsi)) },
  "a store": { segment: DS, bytes: 8, emit: (a) => a.emit("mov", mem(rsi), rax) },
  "an update": { segment: DS, bytes: 8, emit: (a) => a.emit("add", mem(rsi), rax) },
  "a load of 16 bytes": { segment: DS, bytes: 16, emit: (a) => a.emit("movups", xmm0, mem(rsi)) },
  "a load by FS": {
    segment: FS,
    bytes: 8,
    emit: (a) => a.emit("add", rax, mem(rsi, { displacement: -FS_BASE, segment: fs })),
  },
  "a load by GS": { segment: GS, bytes: 8, emit: (a) => a.emit("add", rax, mem(rsi, { segment: gs })) },
  "a load by RBP": {
    segment: SS,
    bytes: 8,
    emit: (a) => a.emit("mov", rbp, rsi).emit("add", rax, mem(rbp)),
  },
  "a push": {
    segment: SS,
    bytes: 8,
    emit: (a) => a.emit("lea", rsp, mem(rsi, { displacement: 8 })).emit("push", rax),
  },
  "a pop": { segment: SS, bytes: 8, emit: (a) => a.emit("mov", rsp, rsi).emit("pop", rdi) },
  "a string store": { segment: ES, bytes: 8, emit: (a) => a.emit("mov", rdi, rsi).emit("stosq") },
  "an x87 load": {
    segment: DS,
    bytes: 10,
    emit: (a) => a.emit("fninit").emit("fld", mem(tbyte, rsi)),
  },
};
const LIMITED = [ES, SS, DS, FS];

/** A loop over one access, which goes to another address in its last turn. */
function image({ emit }: Access, last: bigint): Uint8Array {
  const a = new Assembler({ bits: 64, origin: CODE });
  a.emit("mov", rbx, imm(last, 8)).emit("mov", rcx, TURNS).label("again");
  a.emit("mov", rsi, DATA).emit("cmp", rcx, 1).emit("cmovz", rsi, rbx);
  emit(a);
  a.emit("dec", rcx).emit("jnz", "again").emit("ud2");
  return a.assemble().bytes;
}

interface Setting {
  readonly efer: number;
  readonly privilege: number;
  readonly limit: number;
}

function run(
  engine: "interpreter" | "translator",
  code: Uint8Array,
  { efer, privilege, limit }: Setting,
): [Computer, Outcome] {
  const profile = findProfile("barcelona-2007")!;
  const computer = new Computer({ profile, memoryBytes: MEMORY, ...PLAIN, engine });
  computer.load(loadImage(code, { kind: "raw", rawMode: 64, rawAddress: CODE, memoryBytes: MEMORY }));
  const { core } = computer.system;
  const { words } = core;
  const { ram } = computer.machine;
  // The first 4 GiB's tables are the last 4 GiB's, too.
  const root = words[CR3_WORD]! >>> 2;
  ram.copyWithin(root + 2 * 511, root, root + 2);
  const upper = (ram[root]! & ~0xfff) >>> 2;
  ram.copyWithin(upper + 2 * 508, upper, upper + 2 * 4);
  words[EFER_WORD] = words[EFER_WORD]! | efer;
  words[PRIVILEGE] = privilege;
  for (const segment of LIMITED) words[segmentWord(segment) + HIGHEST] = limit;
  words[segmentWord(FS) + BASE] = FS_BASE;
  core.updateMode();
  return [computer, computer.run(1e6)];
}

/** What both engines say of an access: the fault that ended it, or #UD behind it. */
function endOf(access: Access, at: bigint, setting: Setting): string {
  const code = image(access, at);
  const [interpreted, outcome] = run("interpreter", code, setting);
  const [translated, same] = run("translator", code, setting);
  expect(same).toEqual(outcome);
  expect(differencesOf(interpreted, translated)).toEqual([]);
  return outcome.kind === "shutdown" ? /#\w+/.exec(outcome.reason)![0] : outcome.kind;
}

const LIMIT = 0x8fff;
const ON: Setting = { efer: EFER.LMSLE, privilege: 1, limit: LIMIT };

describe.each(Object.entries(ACCESSES))("%s", (_name, access) => {
  const { segment, bytes } = access;
  const fault = segment === GS ? "#UD" : segment === SS ? "#SS" : "#GP";
  const lastGood = LAST_4_GIB + BigInt(LIMIT - bytes + 1);
  it("may end at the limit", () => expect(endOf(access, lastGood, ON)).toBe("#UD"));
  it("may not end beyond", () => expect(endOf(access, lastGood + 1n, ON)).toBe(fault));
  it("may end anywhere at CPL 0, and without EFER.LMSLE", () => {
    expect(endOf(access, lastGood + 1n, { ...ON, privilege: 0 })).toBe("#UD");
    expect(endOf(access, lastGood + 1n, { ...ON, efer: 0 })).toBe("#UD");
  });
});

it("an access from below the last 4 GiB into them counts as in them", () => {
  const at = LAST_4_GIB - 4n;
  expect(endOf(ACCESSES["a load"]!, at, { ...ON, limit: 3 })).not.toBe("#GP");
  expect(endOf(ACCESSES["a load"]!, at, { ...ON, limit: 2 })).toBe("#GP");
});

it("one that wraps around goes beyond any limit but the last", () => {
  expect(endOf(ACCESSES["a store"]!, 2n ** 64n - 4n, { ...ON, limit: 0xffff_fffe | 0 })).toBe("#GP");
});

it("random accesses end as the manual's formula says", () => {
  const random = new Random(1);
  const names = Object.keys(ACCESSES);
  for (let count = 0; count < 16; count++) {
    const access = ACCESSES[names[random.below(names.length)]!]!;
    const limit = DATA + random.below(0x4000);
    const isLow = random.below(8) === 0;
    const offset = BigInt(DATA + random.below(0x4000));
    const near = BigInt(limit + random.below(48) - 32);
    const at = isLow ? offset : LAST_4_GIB + (random.below(2) === 0 ? offset : near);
    const isBeyond = access.segment !== GS && at + BigInt(access.bytes - 1) > LAST_4_GIB + BigInt(limit);
    const expected = !isBeyond ? "#UD" : access.segment === SS ? "#SS" : "#GP";
    const setting = { efer: EFER.LMSLE, privilege: 1 + random.below(2), limit };
    expect(endOf(access, at, setting), `0x${at.toString(16)}, limit ${limit}`).toBe(expected);
  }
});
