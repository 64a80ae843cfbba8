/**
 * How a workload, technique or machine declares its parameters: once, as data. The scenario schema, the defaults, the
 * check of a value and `virtlab describe` all read it.
 */

/** Sizes of a run: `tiny` for CI, `small` for seconds, `full` for papers. */
export const RUN_SIZES = ["tiny", "small", "full"] as const;
export type RunSize = (typeof RUN_SIZES)[number];

/** One value, or one for each size of run. */
export type Sized<T> = T | Readonly<Record<RunSize, T>>;

/** `label` is what it is called in charts and tables where its name does not say it, with its unit. */
// biome-ignore format: one kind a line
export type ParameterSpec = { readonly description: string; readonly label?: string } & (
  | { readonly kind: "bytes"; readonly default: Sized<number>; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: "count"; readonly default: Sized<number>; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: "number"; readonly default: Sized<number>; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: "choice"; readonly default: Sized<string>; readonly choices: readonly string[] }
  | { readonly kind: "number-choice"; readonly default: Sized<number>; readonly choices: readonly number[] }
  | { readonly kind: "text"; readonly default: Sized<string> }
  /** A path; of several files a list of them, kept with commas between. Empty: none. */
  | { readonly kind: "file" | "files"; readonly default: Sized<string> }
  | { readonly kind: "boolean"; readonly default: Sized<boolean> }
);

export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;
export type ParameterValue = number | string | boolean;

/** The values that a set of specs gives. */
export type ParameterValues<S extends ParameterSpecs> = {
  readonly [K in keyof S]: S[K]["kind"] extends "choice" | "text" | "file" | "files"
    ? string
    : S[K]["kind"] extends "boolean"
      ? boolean
      : number;
};

/** The default of one parameter at a size of run. */
export function defaultOf(spec: ParameterSpec, size: RunSize): ParameterValue {
  const value = spec.default as Sized<ParameterValue>;
  return typeof value === "object" ? value[size] : value;
}
