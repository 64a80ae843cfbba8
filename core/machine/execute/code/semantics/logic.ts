/** Logic: AND, OR, XOR, NOT, TEST (SDM vol. 1, 5.1.4; vol. 2 by name). AF, which they leave undefined, is cleared. */
import { type Code, get, tee } from "../../../wasm/code.js";
import type { Integers } from "../../../wasm/integers.js";
import { integersOf } from "../flags.js";
import type { Semantic } from "../scope.js";
import { change, inverted, keepSized, sizeOf, truncated } from "./values.js";

type Compute = (n: Integers, left: Code, right: Code) => Code;

/** destination := destination op source. */
const binary =
  (compute: Compute): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    const result = scope.local(n.type);
    const destination = change(scope, 0, (old) => tee(result, compute(n, get(old), get(source.local))));
    return [source.code, destination.code, scope.flags.setLogic(size, result)];
  };

/** TEST: AND without the result. */
const test: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const left = keepSized(scope, size, scope.read(0, size));
  const n = integersOf(size);
  const result = keepSized(scope, size, n.and(get(left.local), scope.read(1, size)));
  return [left.code, result.code, scope.flags.setLogic(size, result.local)];
};

const not: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  return scope.modify(0, (old) => truncated(size, inverted(integersOf(size), get(old))));
};

export const LOGIC: Readonly<Record<string, Semantic>> = {
  AND: binary((n, left, right) => n.and(left, right)),
  OR: binary((n, left, right) => n.or(left, right)),
  XOR: binary((n, left, right) => n.xor(left, right)),
  NOT: not,
  TEST: test,
};
