/**
 * Random sequences of instructions that neither fault nor depend on undefined flags, so that their end is the same on every
 * processor: straight code, forward branches, loops, calls, string moves.
 *
 * RBX points to the operand area and RSP to the stack; nothing else may write them. What flags are defined is tracked, and an
 * instruction that would read one that is not gets a CMP before it.
 */
import { setting } from "./addresses.mjs";
import { littleEndian } from "./encode.mjs";
import { GROUPS } from "./groups.mjs";
import { formsOf, instantiate, pick, sizesOf } from "./rows.mjs";
import { DATA_WINDOW, dataBase, Random, WINDOW_MIDDLE } from "./shared.mjs";

const CX = 1;
const BX = 3;
const SP = 4;
const MOD_DISPLACEMENT_8 = 0x40;
const SIB_SP = 0x24;
const OPERAND_BYTES = 128;
const OPERAND_SIZE = 0x66;
const ALL_FLAGS = "OSZAPC";

const SOURCES = [
  "arithmetic",
  "data",
  "multiply-shift",
  "bit-manipulation",
  "floating-point",
  "vector-moves",
  "packed-integers",
];
const ROWS = SOURCES.map((name) => GROUPS[name].filter((row) => row.sequence));
/** Integer code is the more frequent. */
const WEIGHTS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6];

/** Flags that an instruction leaves defined, by the beginning of its title. */
const DEFINES = [
  [/^(ADD|ADC|SUB|SBB|CMP|NEG|XADD|CMPXCHG|POPCNT|U?COMIS[SD])\b/, "OSZAPC"],
  [/^(INC|DEC)\b/, "OSZAP"],
  [/^(AND|OR|XOR|TEST)\b/, "OSZPC"],
  [/^(SHL|SHR|SAR).*, 1$/, "OSZPC"],
  [/^(SHL|SHR|SAR|SHLD|SHRD)\b/, "SZPC"],
  [/^(ROL|ROR|RCL|RCR).*, 1$/, "OC"],
  [/^(MUL|IMUL)\b/, "OC"],
  [/^(ROL|ROR|RCL|RCR|BT|BTS|BTR|BTC|CLC|STC|CMC|ADCX)\b/, "C"],
  [/^ADOX\b/, "O"],
  [/^(LZCNT|TZCNT)\b/, "ZC"],
  [/^(ANDN|BLSI|BLSR|BLSMSK|BZHI)\b/, "OSZC"],
  [/^BEXTR\b/, "OZC"],
];
const defines = (title) => DEFINES.find(([pattern]) => pattern.test(title))?.[1] ?? "";

class Sequence {
  bytes = [];
  instructions = 0;
  defined = new Set(ALL_FLAGS);
  /** A return address is on top of the stack: operands may not be there. */
  called = false;

  constructor(random, mode) {
    this.random = random;
    this.mode = mode;
  }

  emit(...bytes) {
    this.bytes.push(...bytes);
    this.instructions++;
  }

  /** CMP EAX, ECX: defines all flags. */
  compare() {
    this.emit(0x39, 0xc8);
    this.defined = new Set(ALL_FLAGS);
  }

  need(letters) {
    if ([...letters].some((letter) => !this.defined.has(letter))) this.compare();
  }

  leave(undefinedFlags, definedFlags) {
    for (const letter of definedFlags) this.defined.add(letter);
    for (const letter of undefinedFlags) this.defined.delete(letter);
  }

  address(align) {
    const step = align ? 16 : pick(this.random, [1, 4, 8]);
    const displacement = this.random.below((OPERAND_BYTES - 16) / step) * step;
    const onStack = this.mode !== 16 && !this.called && !align && this.random.below(5) === 0;
    return {
      mod: MOD_DISPLACEMENT_8,
      rm: onStack ? 4 : this.mode === 16 ? 7 : BX,
      sib: onStack ? SIB_SP : undefined,
      displacement: [displacement],
      b: 0,
      x: 0,
      prefixes: [],
      setup: [],
    };
  }

  /** One instruction of a row that may stand here. */
  plain(avoid) {
    const { random, mode } = this;
    for (;;) {
      const row = pick(random, ROWS[pick(random, WEIGHTS)]);
      if (row.modes !== undefined && !row.modes.includes(mode)) continue;
      const size = pick(random, sizesOf(row, mode));
      if (size === undefined || row.prefixes !== undefined) continue;
      const form = pick(random, formsOf(row));
      const forbidden = [BX, SP, ...avoid];
      if (row.only?.some((number) => forbidden.includes(number))) continue;
      if (/^(XCHG r\*|[A-Z]+ (AL|rAX)|CBW|CWD|CDQ|CQO|MUL|IMUL r\/m)/.test(row.title) && avoid.includes(0))
        continue;
      this.need(row.read ?? "");
      const { bytes } = instantiate(row, random, mode, size, form, {
        register: (operand) => this.register(operand, forbidden),
        address: () => this.address(row.align),
      });
      this.emit(...bytes);
      this.leave(row.undefined ?? "", defines(row.title));
      return;
    }
  }

  register(operand, forbidden) {
    const { random, mode } = this;
    const vector = /^x?mm/.test(operand);
    for (;;) {
      const number = random.below(mode === 64 ? 16 : 8);
      if (vector) return { number };
      const byte = /^r8|^r\/m8/.test(operand);
      const high = byte && number >= 4 && number < 8;
      const needsRex = high && mode === 64 && random.below(2) === 1;
      const whole = high && !needsRex ? number - 4 : number;
      if (forbidden.includes(whole)) continue;
      return high ? (needsRex ? { number, needsRex } : { number, high }) : { number };
    }
  }

  body(count, avoid) {
    for (let index = 0; index < count; index++) this.plain(avoid);
  }

  /** Appends what `inner` emits after a branch over it, or before one back to it. */
  around(inner) {
    const outer = this.bytes;
    this.bytes = [];
    inner();
    const made = this.bytes;
    this.bytes = outer;
    return made;
  }

  wide() {
    return this.mode === 16 ? [OPERAND_SIZE] : [];
  }

  skip() {
    this.need(ALL_FLAGS.replace("A", ""));
    const before = new Set(this.defined);
    const condition = this.random.below(16);
    const inner = this.around(() => this.body(1 + this.random.below(3), []));
    this.emit(0x70 | condition, inner.length);
    this.bytes.push(...inner);
    this.defined = new Set([...this.defined].filter((letter) => before.has(letter)));
  }

  /** MOV ECX, count; body; LOOP, or DEC ECX and JNE. Flags at the loop's head are those of either way to it. */
  loop() {
    const count = 1 + this.random.below(6);
    this.emit(...this.wide(), 0xb8 | CX, ...littleEndian(count, 4));
    this.defined = new Set();
    const inner = this.around(() => this.body(1 + this.random.below(4), [CX]));
    this.bytes.push(...inner);
    if (this.random.below(2) === 0) {
      this.emit(0xe2, -(inner.length + 2) & 0xff);
      return;
    }
    const decrement = [...this.wide(), 0xff, 0xc8 | CX];
    this.emit(...decrement);
    this.emit(0x75, -(inner.length + decrement.length + 2) & 0xff);
    this.leave("", "OSZAP");
  }

  /** CALL f; JMP over; f: body, RET; over: */
  call() {
    this.called = true;
    const inner = this.around(() => this.body(1 + this.random.below(3), []));
    this.called = false;
    const width = this.mode === 16 ? 2 : 4;
    this.emit(0xe8, ...littleEndian(2, width));
    this.emit(0xeb, inner.length + 1);
    this.bytes.push(...inner);
    this.emit(0xc3);
  }

  pushPop() {
    const from = this.register("r", []);
    const to = this.register("r", [BX, SP]);
    const rex = (number) => (number >= 8 ? [0x41] : []);
    this.emit(...rex(from.number), 0x50 | (from.number & 7));
    this.body(this.random.below(3), []);
    this.emit(...rex(to.number), 0x58 | (to.number & 7));
  }

  /** XOR EDX, EDX; OR ECX, 1; DIV ECX: a quotient always fits. */
  divide() {
    this.emit(...this.wide(), 0x31, 0xd2);
    this.emit(...this.wide(), 0x83, 0xc9, 1);
    this.emit(...this.wide(), 0xf7, 0xf1);
    this.defined = new Set();
  }

  /** LEA SI, [BX+…]; LEA DI, [BX+…]; MOV ECX, count; CLD; REP MOVS or STOS. ES of 16-bit code has another base. */
  string() {
    if (this.mode === 16) return this.divide();
    const wide = this.mode === 64 ? [0x48] : [];
    this.emit(...wide, 0x8d, 0x73, this.random.below(32));
    this.emit(...wide, 0x8d, 0x7b, 32 + this.random.below(32));
    this.emit(0xb8 | CX, ...littleEndian(this.random.below(9), 4));
    this.emit(0xfc);
    this.emit(0xf3, pick(this.random, [0xa4, 0xa5, 0xaa, 0xab]));
  }
}

const SHORTEST = 20;
const SPREAD = 31;

/** A code of `mode` that a seed and number name, as codesOfGroup's. */
export function sequenceCode(seed, number, mode) {
  const random = new Random(seed).fork(`sequence ${mode} ${number}`);
  const sequence = new Sequence(random, mode);
  const length = SHORTEST + random.below(SPREAD);
  const parts = ["skip", "loop", "call", "pushPop", "divide", "string"];
  while (sequence.instructions < length) {
    if (random.below(8) === 0) sequence[pick(random, parts)]();
    else sequence.plain([]);
  }
  sequence.compare();
  return {
    title: `sequence ${seed}/${number}`,
    bytes: sequence.bytes,
    setup: [setting(BX, DATA_WINDOW.address + WINDOW_MIDDLE - dataBase(mode))],
    cases: [[]],
    kinds: { memory: "integer", x87: "empty" },
    ignored: [],
  };
}
