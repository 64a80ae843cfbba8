/**
 * Baselines: the rows that later runs are held against, in git, one pair of files for each scenario.
 *
 *   results/baselines/ept.csv    what differs from row to row: a line for each cell, in plan order
 *   results/baselines/ept.json   what all rows have in common, the prices they rest on, and why they are as they are
 *
 * Nothing modelled is left out: a column with one value in all rows (most are 0) stands once in the JSON. Derived columns are not
 * there, they follow from the others. The JSON knows the SHA-256 of the CSV, so that one that was cut off or merged by hand is
 * told, not compared.
 */

import { fromCsv, toCsv } from "../scenario/csv.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { findColumn } from "./columns.js";
import type { Constants } from "./compare.js";
import { sha256Of } from "./digest.js";
import type { RunRecord } from "./record.js";

/** Of the pair's layout. */
export const BASELINE_FORMAT = 1;

/** Why a baseline is as it is; the last entry is the newest. */
export interface Blessing {
  /** YYYY-MM-DD. */
  readonly date: string;
  /** What the source was built on, shortened; the blessing itself is part of the next commit. */
  readonly commit: string;
  readonly why: string;
  /** What it changed, in a sentence. */
  readonly changed: string;
}

export interface BaselineRecord {
  readonly format: number;
  readonly scenario: string;
  readonly size: string;
  readonly seed: number;
  /** Hash of the plan: where a run's differs, the scenario has changed. */
  readonly plan: string;
  /** Lines of the CSV without its header. */
  readonly rows: number;
  /** Of the CSV, with "\n" at the end of lines. */
  readonly sha256: string;
  readonly why: readonly Blessing[];
  /** Columns with the same value in all rows. */
  readonly same: Readonly<Record<string, string | number>>;
  readonly constants: Constants;
}

export interface Baseline {
  readonly rows: readonly Row[];
  readonly record: BaselineRecord;
}

/** The texts of both files. */
export interface BaselineFiles {
  readonly csv: string;
  readonly json: string;
}

/** @param rows rows.csv of a complete run, `record` its run.json */
export function baselineFiles(
  rows: readonly Row[],
  record: RunRecord,
  why: readonly Blessing[],
): BaselineFiles {
  const names = Object.keys(rows[0] ?? {}).filter((name) => findColumn(name)?.kind !== "derived");
  const fieldOf = (row: Row, name: string): string | number => row[name] ?? "";
  const varies = (name: string): boolean =>
    name === "cell" || rows.some((row) => !Object.is(fieldOf(row, name), fieldOf(rows[0]!, name)));
  const columns = names.filter(varies);
  const csv = toCsv(columns, rows);
  const { scenario, size, seed, plan } = record;
  const same = names.filter((name) => !varies(name)).map((name) => [name, fieldOf(rows[0]!, name)]);
  const baseline: BaselineRecord = {
    format: BASELINE_FORMAT,
    scenario: scenario.name,
    size,
    seed,
    plan,
    rows: rows.length,
    sha256: sha256Of(csv),
    why,
    same: Object.fromEntries(same),
    constants: constantsByProfile(record.constants),
  };
  return { csv, json: `${JSON.stringify(baseline, null, 1)}\n` };
}

/** Values of run.json's constants, without their sources. */
export function constantsByProfile(records: RunRecord["constants"]): Constants {
  const profiles: Record<string, Record<string, string | number>> = {};
  for (const { profile, name, value } of records) {
    profiles[profile] ??= {};
    profiles[profile][name] = value;
  }
  return profiles;
}

/**
 * A baseline read back: every row with all its columns.
 * @param where names the CSV in errors. @throws UserError for another format, and for files that do not belong together
 */
export function readBaseline({ csv, json }: BaselineFiles, where: string): Baseline {
  const record = recordFrom(json, where.replace(/\.csv$/, ".json"));
  const text = csv.replaceAll("\r\n", "\n");
  if (sha256Of(text) !== record.sha256 && sha256Of(`${text}\n`) !== record.sha256) {
    const lines = text.split("\n").filter((line) => line !== "").length - 1;
    const what =
      lines < record.rows
        ? `was cut off: ${Math.max(0, lines)} of ${record.rows} rows are left`
        : "is not what was blessed: edited, or merged by hand";
    throw new UserError(`the baseline ${what}`, { where, mend: mendOf(record.scenario) });
  }
  const rows = fromCsv(text, where).map((row): Row => ({ ...row, ...record.same }));
  return { rows, record };
}

function recordFrom(json: string, where: string): BaselineRecord {
  let record: Partial<BaselineRecord> | undefined;
  try {
    record = JSON.parse(json) as Partial<BaselineRecord>;
  } catch {
    record = undefined;
  }
  if (typeof record?.format === "number" && record.format !== BASELINE_FORMAT) {
    const age = record.format > BASELINE_FORMAT ? "a newer" : "an older";
    throw new UserError(
      `the baseline is of ${age} schema version: ${record.format}, this virtlab knows ${BASELINE_FORMAT}`,
      { where, mend: `use the virtlab that wrote it, or bless anew: ${updateCommand(record.scenario)}` },
    );
  }
  const { same, constants, why, sha256: hash, rows } = record ?? {};
  const isWhole =
    [same, constants].every((part) => typeof part === "object" && part !== null) &&
    Array.isArray(why) &&
    typeof hash === "string" &&
    typeof rows === "number";
  if (!isWhole)
    throw new UserError("the baseline's record is damaged", { where, mend: mendOf(record?.scenario) });
  return record as BaselineRecord;
}

function mendOf(scenario: string | undefined): string {
  return `restore both files (git checkout), or bless a run: ${updateCommand(scenario)}`;
}

/** What a person types to bless a scenario. */
export function updateCommand(scenario = "<scenario>"): string {
  return `npm run virtlab -- baseline update ${scenario} --why "…"`;
}
