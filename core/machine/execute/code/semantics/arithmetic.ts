/** Binary arithmetic: addition, subtraction and comparison (SDM vol. 1, 7.3.2; vol. 2 by name). */
import { RFLAGS } from "../../../cpu/state.js";
import { type Code, get, type Local, tee } from "../../../wasm/code.js";
import { I32, type Integers } from "../../../wasm/integers.js";
import { type FlagScope, integersOf } from "../flags.js";
import type { Semantic } from "../scope.js";
import { change, counted, keepSized, sizeOf, truncated } from "./values.js";

type Compute = (n: Integers, left: Code, right: Code) => Code;
type SetFlags = (flags: FlagScope, size: number, left: Local, right: Local, result: Local) => Code;

/** destination := destination op source. */
const binary =
  (compute: Compute, setFlags: SetFlags): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    const result = scope.local(n.type);
    const destination = change(scope, 0, (old) =>
      tee(result, truncated(size, compute(n, get(old), get(source.local)))),
    );
    return [
      source.code,
      destination.code,
      setFlags(scope.flags, size, destination.old, source.local, result),
    ];
  };

/** destination := destination op source op CF. */
const binaryWithCarry =
  (compute: Compute, setFlags: SetFlags): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const carry = keepSized(scope, size, counted(size, scope.flags.carry()));
    const withCarry: Compute = (n, left, right) => compute(n, compute(n, left, right), get(carry.local));
    return [carry.code, binary(withCarry, setFlags)(scope)];
  };

/** destination := destination ± 1; CF stays. */
const step =
  (compute: Compute, flag: "setInc" | "setDec"): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const result = scope.local(n.type);
    const destination = change(scope, 0, (old) =>
      tee(result, truncated(size, compute(n, get(old), n.constant(1)))),
    );
    return [destination.code, scope.flags[flag](size, destination.old, result)];
  };

const add: Compute = (n, left, right) => n.add(left, right);
const subtract: Compute = (n, left, right) => n.sub(left, right);

/** CMP: SUB without the result. */
const compare: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const left = keepSized(scope, size, scope.read(0, size));
  const right = keepSized(scope, size, scope.read(1, size));
  const result = keepSized(scope, size, truncated(size, n.sub(get(left.local), get(right.local))));
  return [
    left.code,
    right.code,
    result.code,
    scope.flags.setSub(size, left.local, right.local, result.local),
  ];
};

/** NEG: 0 - destination. */
const negate: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const zero = keepSized(scope, size, n.constant(0));
  const result = scope.local(n.type);
  const destination = change(scope, 0, (old) => tee(result, truncated(size, n.sub(n.constant(0), get(old)))));
  return [destination.code, zero.code, scope.flags.setSub(size, zero.local, destination.old, result)];
};

/** ADCX and ADOX: ADC whose carry is one flag alone. */
const addWithFlag =
  (flag: number): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const { flags } = scope;
    const place = I32.constant(Math.log2(flag));
    const carry = counted(size, I32.and(I32.shrU(flags.all(), place), I32.constant(1)));
    const left = keepSized(scope, size, scope.read(0, size));
    const sum = keepSized(scope, size, n.add(get(left.local), scope.read(1, size)));
    const result = keepSized(scope, size, n.add(get(sum.local), carry));
    // At most one of the two additions carries.
    const carryOut = I32.or(n.ltU(get(sum.local), get(left.local)), n.ltU(get(result.local), get(sum.local)));
    return [
      left.code,
      sum.code,
      result.code,
      scope.write(0, get(result.local), size),
      flags.setSome(flag, I32.shl(carryOut, place)),
    ];
  };

export const ARITHMETIC: Readonly<Record<string, Semantic>> = {
  ADD: binary(add, (flags, ...operands) => flags.setAdd(...operands)),
  SUB: binary(subtract, (flags, ...operands) => flags.setSub(...operands)),
  ADC: binaryWithCarry(add, (flags, ...operands) => flags.setAdc(...operands)),
  SBB: binaryWithCarry(subtract, (flags, ...operands) => flags.setSbb(...operands)),
  CMP: compare,
  NEG: negate,
  INC: step(add, "setInc"),
  DEC: step(subtract, "setDec"),
  ADCX: addWithFlag(RFLAGS.CF),
  ADOX: addWithFlag(RFLAGS.OF),
};
