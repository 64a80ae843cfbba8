/**
 * Instructions on the flags themselves (SDM vol. 1, 5.1.11 and 7.3.13; vol. 2 by name). What would change how the processor
 * runs, or traps in virtual-8086 mode, belongs to the system.
 */
import { RFLAGS, STATE } from "../../../cpu/state.js";
import { type Code, get, ifThen, int } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import type { FlagScope } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { push, release, top } from "./stack.js";
import { asI32, counted, keepSized, RAX, truncated } from "./values.js";

const { CF, PF, AF, ZF, SF, TF, IF, DF, IOPL, NT, RF, VM, AC, ID, reserved1 } = RFLAGS;

/** CLC, STC and CMC. */
const setCarry =
  (carry: (flags: FlagScope) => Code): Semantic =>
  ({ flags }) =>
    flags.setSome(CF, carry(flags));

/** CLD and STD. */
const clearDirection: Semantic = ({ flags }) => flags.setSystem(I32.and(flags.system(), int(~DF)));
const setDirection: Semantic = ({ flags }) => flags.setSystem(I32.or(flags.system(), int(DF)));

/** The flags of LAHF and SAHF. */
const LOW_FLAGS = SF | ZF | AF | PF | CF;

/** LAHF: AH := the low byte of the flags. */
const loadFlags: Semantic = (scope) => {
  const image = I32.or(I32.and(scope.flags.all(), int(LOW_FLAGS)), int(reserved1));
  return scope.setRegister(RAX, 2, I32.or(scope.register(RAX, 1), I32.shl(image, int(8))));
};

/** SAHF: OF stays. */
const storeFlags: Semantic = (scope) =>
  scope.flags.setSome(LOW_FLAGS, I32.shrU(scope.register(RAX, 2), int(8)));

/** SALC: AL := copies of CF. */
const spreadCarry: Semantic = (scope) =>
  scope.setRegister(RAX, 1, truncated(1, I32.sub(int(0), scope.flags.carry())));

/** Virtual-8086 mode: IOPL and VME decide. */
const inVirtual8086 = ({ flags }: Scope): Code => I32.and(flags.system(), int(VM));

/** PUSHF: RF and VM are pushed as 0. */
const pushFlags: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const { flags } = scope;
  const image = I32.or(I32.or(flags.all(), I32.and(flags.system(), int(~(RF | VM)))), int(reserved1));
  const value = keepSized(scope, size, counted(size, truncated(size, image)));
  return [ifThen(inVirtual8086(scope), scope.system()), value.code, push(scope, size, value.local)];
};

/** POPF, if it changes nothing but the arithmetic flags, DF, NT and ID. RF, VM, VIF and VIP it leaves in any case. */
const popFlags: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const { flags } = scope;
  const value = scope.keep("i32", asI32(size, top(scope, size)));
  const isWide = size > 2;
  const grave = TF | IF | IOPL | (isWide ? AC : 0);
  const plain = DF | NT | (isWide ? ID : 0);
  const changed = I32.and(I32.xor(get(value.local), flags.system()), int(grave));
  const system = I32.or(I32.and(flags.system(), int(~plain)), I32.and(get(value.local), int(plain)));
  return [
    value.code,
    ifThen(I32.or(changed, inVirtual8086(scope)), scope.system()),
    release(scope, size),
    flags.setSystem(system),
    flags.setAll(get(value.local)),
  ];
};

/** CPL above IOPL: #GP, or a virtual interrupt flag (SDM vol. 3, 20.3). */
function lacksPrivilege(scope: Scope): Code {
  const level = I32.and(I32.shrU(scope.flags.system(), int(Math.log2(IOPL & -IOPL))), int(3));
  return I32.gtU(scope.getState(STATE.privilege, "i32"), level);
}

const clearInterrupt: Semantic = (scope) => [
  ifThen(lacksPrivilege(scope), scope.system()),
  scope.flags.setSystem(I32.and(scope.flags.system(), int(~IF))),
];

/** STI, if no interrupt waits for it. */
const setInterrupt: Semantic = (scope) => [
  ifThen(I32.or(lacksPrivilege(scope), scope.getState(STATE.interruptRequest, "i32")), scope.system()),
  scope.flags.setSystem(I32.or(scope.flags.system(), int(IF))),
];

export const FLAG_CONTROL: Readonly<Record<string, Semantic>> = {
  CLC: setCarry(() => int(0)),
  STC: setCarry(() => int(CF)),
  CMC: setCarry((flags) => I32.isZero(flags.carry())),
  CLD: clearDirection,
  STD: setDirection,
  LAHF: loadFlags,
  SAHF: storeFlags,
  SALC: spreadCarry,
  PUSHF: pushFlags,
  POPF: popFlags,
  CLI: clearInterrupt,
  STI: setInterrupt,
};
