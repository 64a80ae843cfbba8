/** Integer instructions on registers and memory: arithmetic, logic, moves, multiplication, division, bits. */
import { setting } from "../addresses.mjs";
import { pick, row } from "../rows.mjs";

const hex = (value) => value.toString(16).toUpperCase().padStart(2, "0");
const AX = 0;
const CX = 1;
const DX = 2;
const BX = 3;

/** ADD and its seven siblings: opcode base, and whether AF is undefined. */
const ALU = ["ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP"];
const alu = ALU.flatMap((name, index) => {
  const at = (offset) => hex(index * 8 + offset);
  const common = {
    sequence: true,
    undefined: ["OR", "AND", "XOR"].includes(name) ? "A" : "",
    read: ["ADC", "SBB"].includes(name) ? "C" : "",
  };
  const lock = name !== "CMP";
  return [
    row(`${name} r/m8, r8`, `${at(0)} /r`, { ...common, lock }),
    row(`${name} r/m*, r*`, `${at(1)} /r`, { ...common, lock }),
    row(`${name} r8, r/m8`, `${at(2)} /r`, common),
    row(`${name} r*, r/m*`, `${at(3)} /r`, common),
    row(`${name} AL, imm8`, `${at(4)} ib`, { ...common, registers: 2 }),
    row(`${name} rAX, imm*`, `${at(5)} iz`, { ...common }),
    row(`${name} r/m8, imm8`, `80 /${index} ib`, { ...common, lock }),
    row(`${name} r/m*, imm*`, `81 /${index} iz`, { ...common, lock }),
    row(`${name} r/m*, imm8`, `83 /${index} ib`, { ...common, lock }),
    row(`${name} r/m8, imm8`, `82 /${index} ib`, { modes: [32], cases: 4 }),
  ];
});

const test = [
  row("TEST AL, imm8", "A8 ib", { sequence: true, undefined: "A" }),
  row("TEST rAX, imm*", "A9 iz", { sequence: true, undefined: "A" }),
  row("TEST r/m8, imm8", "F6 /0 ib", { sequence: true, undefined: "A" }),
  row("TEST r/m*, imm*", "F7 /0 iz", { sequence: true, undefined: "A" }),
  row("TEST r/m8, r8", "84 /r", { sequence: true, undefined: "A" }),
  row("TEST r/m*, r*", "85 /r", { sequence: true, undefined: "A" }),
];

const unary = [
  ...[
    ["INC", 0],
    ["DEC", 1],
  ].flatMap(([name, digit]) => [
    row(`${name} r/m8`, `FE /${digit}`, { sequence: true, lock: true, cases: 12 }),
    row(`${name} r/m*`, `FF /${digit}`, { sequence: true, lock: true, cases: 12 }),
    row(`${name} r*`, `${hex(0x40 + digit * 8)} +r`, { modes: [16, 32], sequence: true, cases: 12 }),
  ]),
  ...[
    ["NOT", 2],
    ["NEG", 3],
  ].flatMap(([name, digit]) => [
    row(`${name} r/m8`, `F6 /${digit}`, { sequence: true, lock: true, cases: 12 }),
    row(`${name} r/m*`, `F7 /${digit}`, { sequence: true, lock: true, cases: 12 }),
  ]),
];

const moves = [
  row("MOV r/m8, r8", "88 /r", { sequence: true, cases: 4, registers: 4, memory: 3 }),
  row("MOV r/m*, r*", "89 /r", { sequence: true, cases: 4, registers: 2, memory: 3 }),
  row("MOV r8, r/m8", "8A /r", { sequence: true, cases: 4, registers: 4, memory: 3 }),
  row("MOV r*, r/m*", "8B /r", { sequence: true, cases: 4, registers: 2, memory: 3 }),
  row("MOV r8, imm8", "B0 +r ib", { sequence: true, cases: 2, registers: 6 }),
  row("MOV r*, imm*", "B8 +r iz", { sequence: true, cases: 2, registers: 3, sizes: [2, 4] }),
  row("MOV r64, imm64", "REX.W B8 +r io", {
    modes: [64],
    sequence: true,
    cases: 2,
    registers: 3,
    immediates: (random) => [(BigInt(random.int32()) << 32n) | BigInt(random.int32() >>> 0)],
  }),
  row("MOV r/m8, imm8", "C6 /0 ib", { sequence: true, cases: 2, registers: 3, memory: 3 }),
  row("MOV r/m*, imm*", "C7 /0 iz", { sequence: true, cases: 2, registers: 2, memory: 3 }),
  row("MOVZX r*, r/m8", "0F B6 /r", { sequence: true, cases: 6, registers: 2 }),
  row("MOVZX r*, r/m16", "0F B7 /r", { sequence: true, cases: 6 }),
  row("MOVSX r*, r/m8", "0F BE /r", { sequence: true, cases: 6, registers: 2 }),
  row("MOVSX r*, r/m16", "0F BF /r", { sequence: true, cases: 6 }),
  row("MOVSXD r*, r/m32", "63 /r", { modes: [64], sizes: [4, 8], sequence: true, cases: 6 }),
  row("MOVSXD r16, r/m16", "63 /r", { modes: [64], sizes: [2], cases: 4 }),
  row("MOVNTI m32, r32", "0F C3 /r", { sequence: true, cases: 2 }),
  row("MOVNTI m64, r64", "REX.W 0F C3 /r", { modes: [64], sequence: true, cases: 2 }),
  row("MOVBE r*, m*", "0F 38 F0 /r", { sequence: true, cases: 4 }),
  row("MOVBE m*, r*", "0F 38 F1 /r", { sequence: true, cases: 4 }),
  row("BSWAP r32", "0F C8 +r", { sequence: true, cases: 4, registers: 2, sizes: [4] }),
  row("BSWAP r64", "REX.W 0F C8 +r", { modes: [64], sequence: true, cases: 4, registers: 2 }),
  row("XCHG r*, rAX", "90 +r", { sequence: true, cases: 3, registers: 3 }),
  row("XCHG r/m8, r8", "86 /r", { sequence: true, lock: true, cases: 4, registers: 2 }),
  row("XCHG r/m*, r*", "87 /r", { sequence: true, lock: true, cases: 4 }),
  row("CBW", "98", { sizes: [2], sequence: true }),
  row("CWDE", "98", { sizes: [4], sequence: true }),
  row("CDQE", "REX.W 98", { modes: [64], sequence: true }),
  row("CWD", "99", { sizes: [2], sequence: true }),
  row("CDQ", "99", { sizes: [4], sequence: true }),
  row("CQO", "REX.W 99", { modes: [64], sequence: true }),
  row("LAHF", "9F", { cases: 8 }),
  row("SAHF", "9E", { cases: 12 }),
];

/** LEA takes the address alone: any will do, in range or not. */
const lea = [row("LEA r*, m", "8D /r", { sized: true, cases: 2, memory: 14 })];

const CONDITIONS = "O NO B AE E NE BE A S NS P NP L GE LE G".split(" ");
const READ_BY_CONDITION = ["O", "C", "Z", "CZ", "S", "P", "SO", "ZSO"];
const conditional = CONDITIONS.flatMap((condition, code) => {
  const common = { sequence: true, read: READ_BY_CONDITION[code >> 1] };
  return [
    row(`SET${condition} r/m8`, `0F ${hex(0x90 + code)} /0`, { ...common, cases: 12 }),
    row(`CMOV${condition} r*, r/m*`, `0F ${hex(0x40 + code)} /r`, { ...common, cases: 6 }),
  ];
});

/** Dividends and divisors that fit, do not fit by one, and the widest quotients. */
const DIVISIONS = [
  [0n, 100n, 7n],
  [0n, 0n, 1n],
  [0n, 5n, 0n],
  [1n, 0n, 2n],
  [1n, 0n, 1n],
  [-1n, -100n, 7n],
  [-1n, -100n, -7n],
  [0n, 100n, -7n],
];

/** The dividend in DX:AX (AX for bytes), the divisor in memory or a register that the case sets as well. */
function divisionCases(signed) {
  return (random, size, mode, form) => {
    const bits = BigInt(size * 8);
    const mask = (1n << bits) - 1n;
    const half = 1n << (bits - 1n);
    const wide = [
      ...DIVISIONS,
      [half - 1n, mask, half], // just within, and just beyond, for unsigned
      [half, 0n, half],
      [-1n, half, -1n], // the most negative by -1
      [-1n, half, 1n],
      [half >> 1n, 0n, half], // a quotient that fits unsigned, but not signed
      ...Array.from({ length: 8 }, () => {
        const divisor =
          BigInt.asUintN(size * 8, (BigInt(random.int32()) << 32n) | BigInt(random.int32() >>> 0)) >>
          BigInt(random.below(size * 8));
        const high = divisor === 0n ? 0n : BigInt(random.int32() >>> 0) % divisor;
        return [signed ? high >> 1n : high, BigInt(random.int32()), divisor];
      }),
    ];
    return (mode === 64 ? wide : wide.filter((_, index) => index % 2 === 0)).map(([high, low, divisor]) => {
      const divisorBytes = Array.from({ length: size }, (_, byte) =>
        Number((divisor >> BigInt(byte * 8)) & 0xffn)
          .toString(16)
          .padStart(2, "0"),
      ).join("");
      const clean = (value) => BigInt.asUintN(64, value & mask);
      const dividend =
        size === 1
          ? [setting(AX, ((high & 0xffn) << 8n) | (low & 0xffn))]
          : [setting(AX, clean(low)), setting(DX, clean(high))];
      return [...dividend, form === "memory" ? `d820=${divisorBytes}` : setting(BX, clean(divisor))];
    });
  };
}

/** Multiplication and division of the accumulator. The divisor is in BX or at the window's middle + 32. */
const accumulator = [
  ...[
    ["MUL", 4],
    ["IMUL", 5],
  ].flatMap(([name, digit]) => [
    row(`${name} r/m8`, `F6 /${digit}`, { sequence: true, undefined: "SZAP", cases: 14 }),
    row(`${name} r/m*`, `F7 /${digit}`, { sequence: true, undefined: "SZAP", cases: 14 }),
  ]),
  ...[
    ["DIV", 6, false],
    ["IDIV", 7, true],
  ].flatMap(([name, digit, signed]) => [
    row(`${name} r/m8`, `F6 /${digit}`, {
      sizes: [1],
      only: [BX],
      reserve: [AX, DX],
      offset: 0x20,
      dataOnly: true,
      cases: divisionCases(signed),
    }),
    row(`${name} r/m*`, `F7 /${digit}`, {
      only: [BX],
      reserve: [AX, DX],
      offset: 0x20,
      dataOnly: true,
      cases: divisionCases(signed),
    }),
  ]),
  row("IMUL r*, r/m*", "0F AF /r", { sequence: true, undefined: "SZAP", cases: 14 }),
  row("IMUL r*, r/m*, imm8", "6B /r ib", { sequence: true, undefined: "SZAP", registers: 2, cases: 8 }),
  row("IMUL r*, r/m*, imm*", "69 /r iz", { sequence: true, undefined: "SZAP", registers: 2, cases: 8 }),
];

/** Counts of 0, 1, within, the operand's size, beyond it, and with bits above the mask. */
const countsOf = (size) => [0, 1, 2, 7, size * 8 - 1, size * 8, size * 8 + 1, 31, 32, 33, 63, 64, 255];
const counted = (random, size, mode) =>
  countsOf(Math.max(size, 1))
    .filter((_, index) => mode === 64 || index % 2 === 0)
    .map((count) => [setting(CX, ((random.int32() & 0x7fffff) << 8) | count)]);

const SHIFTS = [
  ["ROL", 0],
  ["ROR", 1],
  ["RCL", 2],
  ["RCR", 3],
  ["SHL", 4],
  ["SHR", 5],
  ["SAR", 7],
];
const shifts = SHIFTS.flatMap(([name, digit]) => {
  // What sequences may rely on: OF is defined for counts of 1 alone.
  const rotates = digit < 4;
  const byOne = {
    sequence: true,
    undefined: rotates ? "" : "A",
    read: digit === 2 || digit === 3 ? "C" : "",
  };
  const byMany = { undefined: rotates ? "O" : "OA", read: byOne.read };
  const small = (random, size) => [pick(random, [2, 3, Math.max(1, size) * 8 - 1])];
  return [
    row(`${name} r/m8, 1`, `D0 /${digit}`, { ...byOne, cases: 6 }),
    row(`${name} r/m*, 1`, `D1 /${digit}`, { ...byOne, cases: 6 }),
    row(`${name} r/m8, CL`, `D2 /${digit}`, { sizes: [1], reserve: [CX], cases: counted }),
    row(`${name} r/m*, CL`, `D3 /${digit}`, { reserve: [CX], cases: counted }),
    row(`${name} r/m8, imm8`, `C0 /${digit} ib`, {
      ...byMany,
      sequence: true,
      immediates: small,
      sizes: [1],
      cases: 4,
      registers: 2,
    }),
    row(`${name} r/m*, imm8`, `C1 /${digit} ib`, {
      ...byMany,
      sequence: true,
      immediates: small,
      cases: 4,
      registers: 2,
    }),
    ...[0, 1, 8, 0x21, 0x40].map((count) =>
      row(`${name} r/m*, imm8`, `C1 /${digit} ib`, { immediates: () => [count], cases: 3, form: "register" }),
    ),
  ];
});
/** Digits that the manual leaves out or calls by another name, and processors execute alike. */
const alias = [
  row("TEST r/m8, imm8", "F6 /1 ib", { cases: 3 }),
  row("TEST r/m*, imm*", "F7 /1 iz", { cases: 3 }),
  row("SHL r/m8, 1", "D0 /6", { cases: 3 }),
  row("SHL r/m*, 1", "D1 /6", { cases: 3 }),
  row("SHL r/m8, CL", "D2 /6", { cases: 3 }),
  row("SHL r/m*, CL", "D3 /6", { cases: 3 }),
  row("SHL r/m8, imm8", "C0 /6 ib", { cases: 3 }),
  row("SHL r/m*, imm8", "C1 /6 ib", { cases: 3 }),
];

/** Counts beyond 16 leave everything undefined for 16-bit operands: not recorded. */
const doubleCounts = (random, size, mode) =>
  (size === 2 ? [0, 1, 2, 8, 15, 16, 32, 33, 64] : [0, 1, 2, 15, 16, 31, 32, 33, 63, 64, 255])
    .filter((_, index) => mode === 64 || index % 2 === 0)
    .map((count) => [setting(CX, ((random.int32() & 0x7fffff) << 8) | count)]);
const doubleShifts = [
  ["SHLD", "A4", "A5"],
  ["SHRD", "AC", "AD"],
].flatMap(([name, immediate, cl]) => [
  row(`${name} r/m*, r*, imm8`, `0F ${immediate} /r ib`, {
    sequence: true,
    undefined: "OA",
    immediates: (random) => [1 + random.below(15)],
    registers: 2,
    memory: 2,
    cases: 4,
  }),
  ...[0, 1, 0x21].map((count) =>
    row(`${name} r/m*, r*, imm8`, `0F ${immediate} /r ib`, {
      immediates: () => [count],
      cases: 3,
      form: "register",
    }),
  ),
  row(`${name} r/m*, r*, CL`, `0F ${cl} /r`, { reserve: [CX], cases: doubleCounts }),
]);

/** Bit tests; in memory the offset reaches beyond the operand (SDM vol. 2, 3.1.1.9). */
const bitOffsets = (random, size, mode, form) =>
  [0, 1, size * 8 - 1, size * 8, size * 8 + 3, 1000, -1, -size * 8, -999, random.below(8000) - 4000]
    .filter((_, index) => mode === 64 || index % 2 === 0)
    .map((offset) => [
      setting(
        CX,
        BigInt.asUintN(mode === 64 ? 64 : 32, form === "memory" ? BigInt(offset) : BigInt(offset) * 0x10001n),
      ),
    ]);
const BIT_TESTS = [
  ["BT", "A3", 4],
  ["BTS", "AB", 5],
  ["BTR", "B3", 6],
  ["BTC", "BB", 7],
];
const bits = BIT_TESTS.flatMap(([name, code, digit]) => [
  row(`${name} r/m*, r*`, `0F ${code} /r`, {
    only: [undefined, CX],
    reserve: [CX],
    lock: name !== "BT",
    cases: bitOffsets,
    offset: 8,
  }),
  row(`${name} r/m*, imm8`, `0F BA /${digit} ib`, {
    sequence: true,
    undefined: "OSZAP",
    lock: name !== "BT",
    immediates: (random) => [random.below(256)],
    registers: 3,
    memory: 2,
    cases: 3,
  }),
]);

const scans = [
  row("BSF r*, r/m*", "0F BC /r", { cases: 12 }),
  row("BSR r*, r/m*", "0F BD /r", { cases: 12 }),
  row("POPCNT r*, r/m*", "F3 0F B8 /r", { sequence: true }),
  row("LZCNT r*, r/m*", "F3 0F BD /r", { sequence: true, undefined: "OSAP", cases: 12 }),
  row("TZCNT r*, r/m*", "F3 0F BC /r", { sequence: true, undefined: "OSAP", cases: 12 }),
  row("CRC32 r32, r/m8", "F2 0F 38 F0 /r", { sequence: true, cases: 6 }),
  row("CRC32 r32, r/m*", "F2 0F 38 F1 /r", { sizes: [2, 4], sequence: true, cases: 6 }),
  row("CRC32 r64, r/m8", "F2 REX.W 0F 38 F0 /r", { modes: [64], sequence: true, cases: 6 }),
  row("CRC32 r64, r/m64", "F2 REX.W 0F 38 F1 /r", { modes: [64], sequence: true, cases: 6 }),
];

/** BMI1, BMI2, ADX; 32- and 64-bit forms differ in VEX.W. */
const MODES_WIDE = { 32: [16, 32, 64], 64: [64] };
const vex = ["32", "64"].flatMap((width) => {
  const w = width === "64" ? "W" : "W0";
  const modes = MODES_WIDE[width];
  const r = `r${width}`;
  const rm = `r/m${width}`;
  const common = { modes, sequence: true, cases: 6 };
  return [
    row(`ANDN ${r}, ${r}, ${rm}`, `VEX.NP.0F38.${w} F2 /r`, { ...common, undefined: "AP" }),
    row(`BEXTR ${r}, ${rm}, ${r}`, `VEX.NP.0F38.${w} F7 /r`, { ...common, undefined: "ASP", cases: 14 }),
    row(`BLSI ${r}, ${rm}`, `VEX.NP.0F38.${w} F3 /3`, { ...common, undefined: "AP" }),
    row(`BLSMSK ${r}, ${rm}`, `VEX.NP.0F38.${w} F3 /2`, { ...common, undefined: "AP" }),
    row(`BLSR ${r}, ${rm}`, `VEX.NP.0F38.${w} F3 /1`, { ...common, undefined: "AP" }),
    row(`BZHI ${r}, ${rm}, ${r}`, `VEX.NP.0F38.${w} F5 /r`, { ...common, undefined: "AP", cases: 14 }),
    row(`MULX ${r}, ${r}, ${rm}`, `VEX.F2.0F38.${w} F6 /r`, { ...common, cases: 8 }),
    row(`PDEP ${r}, ${r}, ${rm}`, `VEX.F2.0F38.${w} F5 /r`, { ...common, cases: 8 }),
    row(`PEXT ${r}, ${r}, ${rm}`, `VEX.F3.0F38.${w} F5 /r`, { ...common, cases: 8 }),
    row(`RORX ${r}, ${rm}, imm8`, `VEX.F2.0F3A.${w} F0 /r ib`, { ...common, registers: 2 }),
    row(`SARX ${r}, ${rm}, ${r}`, `VEX.F3.0F38.${w} F7 /r`, common),
    row(`SHLX ${r}, ${rm}, ${r}`, `VEX.66.0F38.${w} F7 /r`, common),
    row(`SHRX ${r}, ${rm}, ${r}`, `VEX.F2.0F38.${w} F7 /r`, common),
  ];
});
const adx = [
  ["ADCX", "66"],
  ["ADOX", "F3"],
].flatMap(([name, prefix]) => [
  row(`${name} r32, r/m32`, `${prefix} 0F 38 F6 /r`, { sequence: true, read: name === "ADCX" ? "C" : "O" }),
  row(`${name} r64, r/m64`, `${prefix} REX.W 0F 38 F6 /r`, {
    modes: [64],
    sequence: true,
    read: name === "ADCX" ? "C" : "O",
  }),
]);

/** Half of the cases have an accumulator equal to the destination in memory. */
const exchange = [
  row("XADD r/m8, r8", "0F C0 /r", { sequence: true, lock: true }),
  row("XADD r/m*, r*", "0F C1 /r", { sequence: true, lock: true }),
  ...[
    ["CMPXCHG r/m8, r8", "0F B0 /r", [1]],
    ["CMPXCHG r/m*, r*", "0F B1 /r", undefined],
  ].map(([title, opcode, sizes]) =>
    row(title, opcode, {
      sequence: true,
      lock: true,
      reserve: [AX],
      offset: 0x20,
      dataOnly: true,
      only: [BX, CX],
      ...(sizes && { sizes }),
      cases: (random, size, mode, form) =>
        [0, 1, 2, 3, 4, 5].map((number) => {
          const value = BigInt.asUintN(
            size * 8,
            (BigInt(random.int32()) << 32n) | BigInt(random.int32() >>> 0),
          );
          const bytes = Array.from({ length: size }, (_, byte) =>
            Number((value >> BigInt(byte * 8)) & 0xffn)
              .toString(16)
              .padStart(2, "0"),
          );
          const full = mode === 64 ? value | (size < 8 ? 0x1234_5678_0000_0000n : 0n) : value;
          if (number >= 3) return [];
          return form === "memory"
            ? [setting(AX, full), `d820=${bytes.join("")}`]
            : [setting(AX, full), setting(BX, full)];
        }),
    }),
  ),
  ...[
    [8, "CMPXCHG8B m64", "0F C7 /1", [16, 32, 64]],
    [16, "CMPXCHG16B m128", "REX.W 0F C7 /1", [64]],
  ].map(([bytes, title, opcode, modes]) =>
    row(title, opcode, {
      modes,
      lock: true,
      memory: 2,
      reserve: [AX, CX, DX, BX],
      offset: 0x20,
      dataOnly: true,
      cases: (random) =>
        [0, 1, 2, 3].map((number) => {
          const half = bytes * 4;
          const draw = () =>
            BigInt.asUintN(half, (BigInt(random.int32()) << 32n) | BigInt(random.int32() >>> 0));
          const [low, high] = [draw(), draw()];
          const memory = (high << BigInt(half)) | low;
          const text = Array.from({ length: bytes }, (_, byte) =>
            Number((memory >> BigInt(byte * 8)) & 0xffn)
              .toString(16)
              .padStart(2, "0"),
          );
          const wrong = number === 2 ? 1n : 0n;
          return number === 3 ? [] : [setting(AX, low), setting(DX, high ^ wrong), `d820=${text.join("")}`];
        }),
    }),
  ),
];

const flags = [
  row("CLC", "F8", { sequence: true, cases: 2 }),
  row("STC", "F9", { sequence: true, cases: 2 }),
  row("CMC", "F5", { sequence: true, read: "C", cases: 4 }),
  row("CLD", "FC", { sequence: true, cases: 4 }),
  row("STD", "FD", { cases: 4 }),
];

const nothing = [
  row("NOP", "90", { sequence: true, cases: 1 }),
  row("NOP r/m*", "0F 1F /0", { sequence: true, cases: 1 }),
  row("PAUSE", "F3 90", { cases: 1 }),
  row("ENDBR64", "F3 0F 1E FA", { cases: 1, sizes: [0] }),
  row("ENDBR32", "F3 0F 1E FB", { cases: 1 }),
  ...["18", "19", "1A", "1B", "1C", "1D", "1E", "1F"].map((opcode) =>
    row("NOP r/m*, r*", `0F ${opcode} /r`, { cases: 1, form: "register" }),
  ),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((digit) => row("PREFETCH m8", `0F 0D /${digit}`, { cases: 1 })),
  row("PREFETCHNTA m8", "0F 18 /0", { cases: 1 }),
  row("PREFETCHT0 m8", "0F 18 /1", { cases: 1 }),
  row("PREFETCHT1 m8", "0F 18 /2", { cases: 1 }),
  row("PREFETCHT2 m8", "0F 18 /3", { cases: 1 }),
  row("CLFLUSH m8", "0F AE /7", { cases: 1 }),
  row("CLFLUSHOPT m8", "66 0F AE /7", { cases: 1 }),
  row("CLWB m8", "66 0F AE /6", { cases: 1 }),
  row("LFENCE", "0F AE E8", { cases: 1 }),
  row("MFENCE", "0F AE F0", { cases: 1 }),
  row("SFENCE", "0F AE F8", { cases: 1 }),
];

export const arithmetic = [...alu, ...test, ...unary];
export const data = [...moves, ...lea, ...conditional, ...exchange, ...flags, ...nothing];
export const multiplyAndShift = [...accumulator, ...shifts, ...alias, ...doubleShifts, ...bits];
export const bitManipulation = [...scans, ...vex, ...adx];
