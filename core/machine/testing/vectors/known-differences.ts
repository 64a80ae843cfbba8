/**
 * Where our CPU is known to come out otherwise than the processor that recorded: decisions, each
 * with its reason. A test fails when one of them no longer differs, so that this list stays true.
 */
export type Engine = "interpreter" | "translator";

export interface KnownDifference {
  /** Of the vectors' file, "64/x87", and of their title. */
  readonly file: RegExp;
  readonly title: RegExp;
  readonly reason: string;
  /** Of this engine alone. */
  readonly engine?: Engine;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { file: /\/x87$/, title: /^FISTTP /, reason: "SSE3 is absent: #UD" },
];
