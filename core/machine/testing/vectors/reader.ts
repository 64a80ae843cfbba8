/**
 * Reads files of vectors (README.md says how they are written). Platform-neutral: takes text, opens nothing.
 *
 *      : ADD r/m64, r64              title of the code that follows
 *      > 48015810 ax=400800          code, with assignments common to its cases
 *       cx=5|bx=6 fl=202             case: its own assignments, then what changed
 *       cx=6|!14.6@402000            case that faults
 *       cx=7|-                       case that changes RIP alone
 */
import { invariant } from "../../../util/errors.js";
import type { CodeMode } from "../../x86/instruction.js";
import { assign, bytesOf, parsePlace } from "./delta.js";
import { drawInitial, type OperandKinds, type StackKind } from "./initial.js";
import { type Fault, parseFault } from "./outcome.js";
import { MachineState } from "./state.js";
import type { ValueKind } from "./values.js";

/** Bytes of memory that depend on the machine and are not compared. */
export interface IgnoredBytes {
  readonly window: "code" | "data" | "stack";
  readonly offset: number;
  readonly length: number;
}

/** One instruction, or one sequence of them, as code to be run from a state. */
export interface Code {
  /** As in the Intel SDM, "ADD r/m64, r64"; of a sequence, its name. */
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly mode: CodeMode;
  readonly kinds: OperandKinds;
  /** Assignments to the drawn state, common to the cases. */
  readonly setup: string;
  readonly ignored: readonly IgnoredBytes[];
}

export interface Case {
  readonly code: Code;
  /** Number of the case among those of the code: part of the seed. */
  readonly ordinal: number;
  readonly setup: string;
  /** Assignments and a fault, as recorded. */
  readonly outcome: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

/** A case with its states. */
export interface Vector {
  readonly title: string;
  readonly line: number;
  readonly mode: CodeMode;
  /** At RIP. */
  readonly bytes: Uint8Array;
  readonly initial: MachineState;
  readonly expected: MachineState;
  readonly fault: Fault | undefined;
  readonly ignored: readonly IgnoredBytes[];
}

export const FORMAT = "virtlab vectors 1";
/** Outcome of a case that changes nothing but RIP. */
export const NOTHING = "-";
const IGNORED = /^~(\w+)\+(\d+)$/;

function parseIgnored(text: string): IgnoredBytes {
  const match = IGNORED.exec(text);
  invariant(match !== null, "bytes to ignore", () => text);
  return { ...parsePlace(match[1]!), length: Number(match[2]) };
}

export function parseCode(line: string, title: string, mode: CodeMode, kinds: OperandKinds): Code {
  const [bytes, ...rest] = line.substring(1).trim().split(" ") as [string, ...string[]];
  return {
    title,
    bytes: bytesOf(bytes),
    mode,
    kinds,
    setup: rest.filter((word) => !word.startsWith("~")).join(" "),
    ignored: rest.filter((word) => word.startsWith("~")).map(parseIgnored),
  };
}

/** The cases of a file, in order. */
export function* readCases(text: string): Generator<Case> {
  let mode: CodeMode = 64;
  let kinds: OperandKinds = { memory: "integer", x87: "empty" };
  let title = "";
  let code: Code | undefined;
  let ordinal = 0;
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (number === 1) invariant(line === FORMAT, "the first line names the format", () => line);
    else if (line.startsWith(" ")) {
      invariant(code !== undefined, "a case stands below its code", () => ({ number, line }));
      const bar = line.indexOf("|");
      yield {
        code,
        ordinal: ordinal++,
        setup: bar < 0 ? "" : line.substring(1, bar),
        outcome: line.substring(bar + 1).trim(),
        line: number,
      };
    } else if (line.startsWith(">")) {
      code = parseCode(line, title, mode, kinds);
      ordinal = 0;
    } else if (line.startsWith(": ")) title = line.substring(2);
    else if (line.startsWith("mode ")) mode = Number(line.substring(5)) as CodeMode;
    else if (line.startsWith("operands ")) {
      const [memory, x87] = line.substring(9).split(" ");
      kinds = { memory: memory as ValueKind, x87: x87 as StackKind };
    } else invariant(line === "" || line.startsWith("#"), "a line of a known kind", () => ({ number, line }));
  }
}

/** Draws the state that a case starts from. */
export function setUp(state: MachineState, { code, ordinal, setup }: Omit<Case, "outcome" | "line">): void {
  drawInitial(state, code.mode, code.bytes, ordinal, code.kinds);
  assign(state, code.setup);
  assign(state, setup);
}

/** The vectors of a file, in order. Each takes over the states of the one before: keep none. */
export function* readVectors(text: string): Generator<Vector> {
  const initial = new MachineState();
  const expected = new MachineState();
  for (const one of readCases(text)) {
    const { code, outcome, line } = one;
    setUp(initial, one);
    expected.copy(initial);
    const fault = /!(\S+)/.exec(outcome)?.[1];
    if (fault === undefined) expected.rip += BigInt(code.bytes.length);
    if (outcome !== NOTHING) assign(expected, outcome.replace(/!\S+/, ""));
    yield {
      title: code.title,
      line,
      mode: code.mode,
      bytes: code.bytes,
      initial,
      expected,
      fault: fault === undefined ? undefined : parseFault(fault),
      ignored: code.ignored,
    };
  }
}
