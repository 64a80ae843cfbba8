/** Instructions that fault: where memory is not there, misaligned or not canonical; undefined opcodes; LOCK; AC; TF; fetches. */
import { setting } from "../addresses.mjs";
import { bytesOf, times, written } from "../rows.mjs";
import { CODE_WINDOW, DATA_WINDOW, STACK_WINDOW } from "../shared.mjs";

const BX = 3;
const SP = 4;
const BP = 5;
const only64 = { modes: [64] };
const code = (title, bytes, ...cases) => ({
  title,
  bytes: bytesOf(bytes),
  cases: cases.length === 0 ? [[]] : cases,
});
const DATA_END = DATA_WINDOW.address + DATA_WINDOW.bytes;
const at = (address) => [setting(BX, address)];

/** Wholly outside, or with the first or last bytes inside; reads, writes and both. Nothing is written in part. */
const edges = (bytes) => [
  at(DATA_WINDOW.address - 1),
  at(DATA_WINDOW.address - bytes),
  at(DATA_END - 1),
  at(DATA_END),
  at(DATA_END - bytes),
  at(0),
  at(0x7fff_0000),
];
const pages = [
  written(
    "page faults",
    () => [
      code("MOV r64, r/m64", "48 8B 03", ...edges(8)),
      code("MOV r/m64, r64", "48 89 03", ...edges(8)),
      code("ADD r/m64, r64", "48 01 03", ...edges(8)),
      code("ADD r64, r/m64", "48 03 03", ...edges(8)),
      code("MOV r/m8, r8", "88 03", at(DATA_END), at(DATA_WINDOW.address - 1)),
      code("MOV r/m16, r16", "66 89 03", ...edges(2)),
      code("XCHG r/m64, r64", "48 87 03", ...edges(8)),
      code("CMPXCHG r/m64, r64", "48 0F B1 03", ...edges(8)),
      code("XADD r/m32, r32", "0F C1 03", ...edges(4)),
      code("MOVUPS xmm1, xmm2/m128", "0F 10 03", ...edges(16)),
      code("MOVUPS xmm2/m128, xmm1", "0F 11 03", ...edges(16)),
      code(
        "BTS r/m64, r64",
        "48 0F AB 0B",
        [...at(DATA_WINDOW.address), "cx=ffffffffffffffff"],
        [...at(DATA_END - 8), "cx=40"],
      ),
      code("POP r/m64", "8F 03", ...edges(8)),
      code("PUSH r/m64", "FF 33", ...edges(8)),
      code(
        "PUSH r64",
        "50",
        [setting(SP, STACK_WINDOW.address)],
        [setting(SP, STACK_WINDOW.address + 4)],
        [setting(SP, STACK_WINDOW.address + 0x1004)],
      ),
      code(
        "POP r64",
        "58",
        [setting(SP, STACK_WINDOW.address + 0x1000)],
        [setting(SP, STACK_WINDOW.address + 0xffc)],
      ),
      code("CALL r/m64", "FF 13", at(DATA_END)),
      code("SHL r/m32, CL", "D3 23", [...at(DATA_END - 2), "cx=0"], [...at(DATA_END - 2), "cx=3"]), // also with a count of 0
      code("CMOVNE r32, r/m32", "0F 45 03", [...at(DATA_END), "fl=242"], [...at(DATA_END), "fl=202"]), // loads in any case
      code("SETE r/m8", "0F 94 03", at(DATA_END)),
      code("DIV r/m32", "F7 33", at(DATA_END)),
      code("NOP r/m32", "0F 1F 03", at(DATA_END)),
      code("PREFETCHT0 m8", "0F 18 0B", at(DATA_END), at(0x8000_0000_0000)),
      code("LEAVE", "C9", [setting(BP, STACK_WINDOW.address + 0xffc)], [setting(BP, 0x3000)]),
      code("CMPXCHG16B m128", "48 0F C7 0B", at(DATA_END), at(DATA_END - 16)),
      code("MASKMOVDQU xmm1, xmm2", "66 0F F7 C1", [`di=${(DATA_END - 16).toString(16)}`]),
      code("FSTP m80fp", "DB 3B", at(DATA_END - 9)),
    ],
    only64,
  ),
];

const NON_CANONICAL = [0x8000_0000_0000n, 0xffff_7fff_ffff_ffffn, 0x1234_0000_0040_0800n, 0x7fff_ffff_fffcn];
const canonical = [
  written(
    "non-canonical addresses",
    () => [
      code("MOV r64, r/m64", "48 8B 03", ...NON_CANONICAL.slice(0, 3).map(at)),
      code("MOV r/m64, r64", "48 89 03", ...NON_CANONICAL.slice(0, 3).map(at)),
      code(
        "MOV r64, r/m64 by RBP",
        "48 8B 45 00",
        ...NON_CANONICAL.slice(0, 3).map((one) => [setting(BP, one)]),
      ),
      code(
        "MOV r64, r/m64 by RSP",
        "48 8B 04 24",
        ...NON_CANONICAL.slice(0, 3).map((one) => [setting(SP, one)]),
      ),
      code("MOV r64, r/m64 by RBP with DS", "3E 48 8B 45 00", [setting(BP, NON_CANONICAL[0])]),
      code("MOV r64, r/m64 by RBP with FS", "64 48 8B 45 00", [setting(BP, NON_CANONICAL[0])]),
      code("PUSH r64", "50", [setting(SP, NON_CANONICAL[0] + 8n)]),
      code("POP r64", "58", [setting(SP, NON_CANONICAL[0])]),
      code("MOVAPS xmm1, xmm2/m128", "0F 28 03", at(NON_CANONICAL[0])),
      code("LEA r64, m", "48 8D 03", at(NON_CANONICAL[0])),
    ],
    only64,
  ),
];

/** 16-byte operands must be aligned but for MOVU and its like: #GP(0). */
const misaligned = [
  written(
    "misaligned SSE operands",
    () =>
      [
        ["MOVAPS xmm1, xmm2/m128", "0F 28 03"],
        ["MOVAPS xmm2/m128, xmm1", "0F 29 03"],
        ["MOVDQA xmm1, xmm2/m128", "66 0F 6F 03"],
        ["MOVNTDQ m128, xmm1", "66 0F E7 03"],
        ["ADDPS xmm1, xmm2/m128", "0F 58 03"],
        ["PADDB xmm1, xmm2/m128", "66 0F FC 03"],
        ["PAND xmm1, xmm2/m128", "66 0F DB 03"],
        ["CMPXCHG16B m128", "48 0F C7 0B"],
        ["FXSAVE m512byte", "0F AE 03"],
        ["FXRSTOR m512byte", "0F AE 0B"],
        ["SHUFPS xmm1, xmm2/m128, imm8", "0F C6 03 00"],
        ["CVTDQ2PS xmm1, xmm2/m128", "0F 5B 03"],
      ].map(([title, bytes]) =>
        code(title, bytes, at(DATA_WINDOW.address + 0x808), at(DATA_WINDOW.address + 0x801)),
      ),
    only64,
  ),
];

/** With EFLAGS.AC, data that is not on its own boundary faults with #AC; of 16 bytes, as the processor likes. */
const AC = "fl=40202";
const alignment = [
  written(
    "alignment check",
    () => [
      code("MOV r32, r/m32", "8B 03", [AC, "bx=400801"], [AC, "bx=400802"], [AC, "bx=400804"]),
      code("MOV r/m32, r32", "89 03", [AC, "bx=400801"], [AC, "bx=400808"]),
      code("MOV r16, r/m16", "66 8B 03", [AC, "bx=400801"], [AC, "bx=400802"]),
      code("MOV r8, r/m8", "8A 03", [AC, "bx=400801"]),
      code("MOV r64, r/m64", "48 8B 03", [AC, "bx=400804"], [AC, "bx=400808"]),
      code("PUSH r64", "50", [AC, "sp=600801"]),
      code("POP r64", "58", [AC, "sp=600804"]),
      code("MOVSD", "A5", [AC, "si=400801", "di=400900"], [AC, "si=400804", "di=400902"]),
      code("MOVSD xmm1, xmm2/m64", "F2 0F 10 03", [AC, "bx=400804"]),
      code("ADD r/m32, r32", "01 03", [AC, "bx=400802"], [AC, "bx=401fff"]),
    ],
    only64,
  ),
];

/** #UD: reserved opcodes, forms without meaning, LOCK where it may not be, what 64-bit code has lost. */
const NEVER = {
  "reserved opcodes": [
    "0F 04",
    "0F 0A",
    "0F 24 C0",
    "0F 26 C0",
    "0F 36",
    "0F 39",
    "0F A6 C0",
    "0F A7 C0",
    "FF F8",
    "FE D0",
    "FE F8",
    "8F C8",
    "C6 C8",
    "C7 C8",
    "0F BA C0 01",
    "0F BA D8 01",
    "0F C7 C8",
    "0F C7 00",
    "8D C0",
    "0F 00 F0",
    "0F 71 C0 01",
    "66 0F 71 C8 01",
    "F2 0F AE 00",
  ],
  "registers where memory must be": [
    "8D C3",
    "0F 2B C1",
    "66 0F E7 C1",
    "0F C3 C1",
    "0F 13 C1",
    "0F 17 C1",
    "0F C7 C9",
    "66 0F 13 C1",
    "66 0F 12 C1",
    "0F B2 C0",
  ],
  "memory where registers must be": [
    "0F 50 03",
    "66 0F D7 03",
    "66 0F F7 03",
    "F2 0F D6 03",
    "F3 0F D6 03",
    "66 0F C5 03 01",
    "0F 71 13 01",
    "66 0F 73 3B 01",
  ],
  "LOCK without meaning": [
    "F0 01 D8",
    "F0 8B 03",
    "F0 89 03",
    "F0 39 03",
    "F0 90",
    "F0 85 03",
    "F0 0F AF 03",
    "F0 D3 03",
    "F0 0F A3 03",
    "F0 03 03",
    "F0 50",
    "F0 FF 33",
    "F0 87 C3",
    "F0 0F B1 C3",
    "F0 A5",
    "F0 0F BA 23 01",
    "F0 F7 23",
    "F0 C6 03 01",
  ],
};
const LOST_IN_64 = [
  "06",
  "07",
  "0E",
  "16",
  "17",
  "1E",
  "1F",
  "27",
  "2F",
  "37",
  "3F",
  "60",
  "61",
  "82 C0 01",
  "9A 00 00 00 00 00 00",
  "CE",
  "D4 0A",
  "D5 0A",
  "D6",
  "EA 00 00 00 00 00 00",
];
const undefinedOpcodes = [
  ...Object.entries(NEVER).map(([title, list]) =>
    written(title, (_, mode) =>
      mode === 16
        ? []
        : list.map((bytes) => ({
            title: `#UD: ${title}`,
            bytes: bytesOf(bytes),
            setup: at(DATA_WINDOW.address + 0x800),
            cases: times(1),
          })),
    ),
  ),
  written(
    "lost in 64-bit code",
    () =>
      LOST_IN_64.map((bytes) => ({
        title: "#UD: lost in 64-bit code",
        bytes: bytesOf(bytes),
        cases: times(1),
      })),
    only64,
  ),
  // A bad opcode is found before its operand is read, and LOCK before what it locks.
  written(
    "#UD before #PF",
    () =>
      ["0F 24 03", "F0 8B 03", "FE 13", "66 0F 50 03"].map((bytes) => ({
        title: "#UD before #PF",
        bytes: bytesOf(bytes),
        setup: at(0),
        cases: times(1),
      })),
    only64,
  ),
];

/** The instruction ends behind the page, which nothing follows: #PF of the fetch, unless it is complete, or undefined, before. */
const PAGE_END = CODE_WINDOW.address + CODE_WINDOW.bytes;
const fetched = (title, bytes, kept) => {
  const address = PAGE_END - kept;
  const inside = bytesOf(bytes)
    .slice(0, kept)
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  return {
    title,
    bytes: bytesOf(bytes),
    setup: [`ip=${address.toString(16)}`, `c${(CODE_WINDOW.bytes - kept).toString(16)}=${inside}`],
    cases: times(1),
  };
};
const fetches = [
  written(
    "fetch faults",
    () => [
      fetched("fetch across the page's end", "48 B8 11 22 33 44 55 66 77 88", 9),
      fetched("fetch across the page's end", "48 B8 11 22 33 44 55 66 77 88", 1),
      fetched("fetch across the page's end", "66 0F 58 C1", 3),
      fetched("fetch across the page's end", "8B 84 8B 00 00 00 00", 2),
      fetched("fetch across the page's end", "0F 24 C0", 2),
      fetched("fetch across the page's end", "F0 8B 03", 2),
      fetched("fetch ends with the page", "EB F0", 2),
      {
        title: "fetch from a page that is not there",
        bytes: [0xeb, 0xfe],
        setup: ["ip=300000"],
        cases: times(1),
      },
      {
        title: "fetch from data",
        bytes: [0xeb, 0xfe],
        setup: [`ip=${(DATA_WINDOW.address + 0x100).toString(16)}`],
        cases: times(1),
      },
    ],
    only64,
  ),
];

/** The trap flag: #DB after one instruction, with RIP behind it; REP traps after each element. */
const TF = "fl=302";
const single = [
  written(
    "trap flag",
    () => [
      code("ADD r64, r64", "48 01 D8", [TF]),
      code("JMP rel8", "EB 10", [TF]),
      code("PUSHFQ", "9C", [TF]),
      code(
        "REP MOVSB",
        "F3 A4",
        [TF, "si=400800", "di=400840", "cx=3"],
        [TF, "si=400800", "di=400840", "cx=1"],
        [TF, "si=400800", "di=400840", "cx=0"],
      ),
      code("POPFQ that clears TF", "9D", [TF, "s800=0202000000000000"]),
      code("MOV r/m64, r64", "48 89 03", [TF, "bx=400800"]),
      code("MOV r/m64, r64 that faults", "48 89 03", [TF, "bx=402000"]),
      code("POPFQ that sets TF, then NOP", "9D 90", ["s800=0203000000000000"]),
      code("CALL rel32", "E8 10 00 00 00", [TF]),
    ],
    only64,
  ),
];

export const memoryFaults = [...pages, ...canonical, ...misaligned, ...alignment];
export const undefinedInstructions = undefinedOpcodes;
export const fetchAndTrap = [...fetches, ...single];
