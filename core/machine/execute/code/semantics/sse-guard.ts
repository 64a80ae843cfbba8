/**
 * When SSE and MMX instructions may be executed at all, decided while code is emitted, from the mode word:
 *
 *      SSE   #UD if CR0.EM is set or CR4.OSFXSR clear, #NM if CR0.TS is set      (Intel SDM vol. 3, 13.1, table 13-1)
 *      MMX   #UD if CR0.EM is set, #NM if CR0.TS is set, #MF if an x87 exception waits                  (vol. 3, 12.1)
 *
 * An instruction that rounds, or that tells exceptions, is done in TypeScript (cpu/sse.ts) while MXCSR asks for something
 * that WebAssembly has not: another rounding mode than to nearest, denormals as zeros, or an exception that traps.
 *
 * What is not exact: arithmetic done here, under MXCSR's controls of reset, does not set MXCSR's sticky exception flags
 * (bits 5..0). Results are exact.
 */
import { CR0 } from "../../../cpu/control-bits.js";
import { EXCEPTION, MODE, STATE } from "../../../cpu/state.js";
import { type Code, ifElse, ifThen } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import type { Scope, Semantic } from "../scope.js";

/** x87 status: an unmasked exception waits (ES), and the number of the register that is ST(0). */
const STATUS_ES = 0x80;
const STATUS_TOP = 0x3800;
/** Abridged tags: every x87 register is in use, or none is. */
const ALL_USED = 0xff;
export const ALL_EMPTY = 0;

const stateHas = (scope: Scope, offset: number, bits: number): Code =>
  I32.and(scope.getState(offset, "i32"), I32.constant(bits));

/** An instruction on XMM registers. */
export const sse =
  (semantic: Semantic): Semantic =>
  (scope) => {
    if ((scope.mode & MODE.noSse) !== 0) return scope.raise(EXCEPTION.UD);
    if ((scope.mode & MODE.noFpu) !== 0) return scope.raise(EXCEPTION.NM);
    return semantic(scope);
  };

/** An SSE instruction whose result, or exceptions, depend on MXCSR. */
export const sseArithmetic = (semantic: Semantic): Semantic =>
  sse((scope) => ((scope.mode & MODE.exactSse) !== 0 ? scope.system() : semantic(scope)));

/** Raises #MF if an x87 exception waits. With CR0.NE clear it would go through FERR# to IRQ 13, which is absent. */
const waitForX87 = (scope: Scope): Code =>
  ifThen(
    stateHas(scope, STATE.x87Status, STATUS_ES),
    ifThen(stateHas(scope, STATE.cr0, CR0.NE), scope.raise(EXCEPTION.MF)),
  );

/** What MMX does to the x87 unit: TOP becomes 0, and the tags what is given (SDM vol. 3, table 12-3). */
const setX87 = (scope: Scope, tags: number): Code => [
  scope.setState(STATE.x87Status, "i32", stateHas(scope, STATE.x87Status, ~STATUS_TOP)),
  scope.setState(STATE.x87Tags, "i32", I32.constant(tags)),
];

/**
 * An instruction on MM registers; it leaves every x87 register in use unless told otherwise. The semantic's code can fault
 * only before its first change of state, so TOP and tags come last.
 */
export const mmx =
  (semantic: Semantic, tags = ALL_USED): Semantic =>
  (scope) => {
    // The mode word has EM and TS in one bit: which it is matters only now.
    const notAvailable = ifElse(
      stateHas(scope, STATE.cr0, CR0.EM),
      scope.raise(EXCEPTION.UD),
      scope.raise(EXCEPTION.NM),
    );
    if ((scope.mode & MODE.noFpu) !== 0) return notAvailable;
    return [waitForX87(scope), semantic(scope), setX87(scope, tags)];
  };

/** Whether the instruction works on MM registers. */
export const usesMmx = ({ instruction }: Scope): boolean =>
  instruction.operands.some((operand) => operand.kind === "register" && operand.file === "mm");

/** An instruction that exists for MM and for XMM registers. */
export const mmxOrSse =
  (semantic: Semantic): Semantic =>
  (scope) =>
    usesMmx(scope) ? mmx(semantic)(scope) : sse(semantic)(scope);
