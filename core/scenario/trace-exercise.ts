/** A trace as somebody asks for it: all of it, or with a seed as an exercise that hides what is to be found. */
import { Random } from "../util/random.js";
import type { CellConfig } from "./config.js";
import { traceOf } from "./trace.js";
import { drawnKind } from "./trace-choice.js";
import type { AccessKind, TraceState } from "./trace-data.js";
import { type Exercise, exerciseOf } from "./trace-questions.js";

export interface TraceWish {
  readonly config: CellConfig;
  readonly address: number | undefined;
  /** How the address is accessed; default: a read, or what the seed draws. */
  readonly kind: AccessKind | undefined;
  readonly state: TraceState | undefined;
  /** Makes it an exercise. */
  readonly seed: number | undefined;
  /** Reveals what an exercise hides. */
  readonly answers: boolean;
}

/** Seed of the address when none is given. */
const USUAL_SEED = 1;

/** @throws UserError for what the profile, the technique or the address space cannot do */
export function tracedAsWished({ config, address, kind, state, seed, answers }: TraceWish): Exercise {
  const isExercise = seed !== undefined;
  const trace = traceOf({
    config,
    address,
    kind: kind ?? (isExercise ? drawnKind(seed) : "read"),
    seed: seed ?? USUAL_SEED,
    states: state === undefined ? undefined : [state],
  });
  return isExercise
    ? exerciseOf(trace, config, new Random(seed).fork("questions"), answers)
    : { trace, questions: [] };
}
