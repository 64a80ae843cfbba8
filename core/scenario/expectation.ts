/**
 * Phase 7: `walk_refs_max == 24 where technique == 'hardware/nested' and page == '4K'`. Each row that `where` selects must
 * satisfy the first part. Unsupported rows are selected only by a condition on `status`; a failed row that is selected
 * fails the expectation; one that selects no rows fails, unless it counts them, and is skipped when it speaks of nothing but
 * cells whose files are missing. Aggregates (count, sum, mean, median, lowest, highest) speak of all selected rows at once.
 */
import { UserError } from "../util/errors.js";
import { type Expression, parseExpression } from "./expression.js";
import { checked, hasAggregate, RowScopes, type TablePlan } from "./row-scope.js";
import type { ExpectationFailure, ExpectationResult, ExpectationText, Plan, Row } from "./scenario.js";
import type { Language } from "./schema.js";

export interface Expectation {
  readonly text: string;
  readonly where: string;
  readonly claim: Expression;
  readonly condition: Expression | undefined;
  /** True when the claim is about all selected rows at once. */
  readonly isAggregate: boolean;
}

/** @throws UserError for syntax, unknown functions and aggregates out of place. */
export function parseExpectation({ text, where }: Pick<ExpectationText, "text" | "where">): Expectation {
  const [claimText = "", conditionText, ...more] = splitAtWhere(text);
  if (more.length > 0) {
    throw new UserError(`\`${text}\` has two wheres`, { where, mend: "join conditions by `and`" });
  }
  const claim = comparison(checked(parseExpression(claimText, where)));
  const condition = conditionText === undefined ? undefined : parseCondition(conditionText, where);
  return { text, where, claim, condition, isAggregate: hasAggregate(claim) };
}

/** What selects rows: the part after `where`, or a chart's `where:`. @throws UserError */
export function parseCondition(text: string, where: string): Expression {
  const condition = comparison(checked(parseExpression(text, where)));
  if (!hasAggregate(condition)) return condition;
  throw new UserError(`an aggregate cannot select rows: \`${text}\``, {
    where,
    mend: "use aggregates before `where`",
  });
}

const ARITHMETIC = new Set(["+", "-", "*", "/", "%"]);

/** The expression, if it can be true or false: `exits` or `'gups'` alone would always hold. @throws UserError */
function comparison(expression: Expression): Expression {
  const { tree, text, where } = expression;
  const isNumberOrText =
    (tree.kind === "constant" && typeof tree.value !== "boolean") ||
    (tree.kind === "unary" && tree.operator !== "!") ||
    (tree.kind === "binary" && ARITHMETIC.has(tree.operator)) ||
    tree.kind === "call" ||
    tree.kind === "name";
  if (!isNumberOrText) return expression;
  throw new UserError(`\`${text}\` is neither true nor false`, {
    where,
    mend: "compare it with something, e.g. `exits == 0`",
  });
}

/** The parts between the words `where` that stand outside of quotes. */
function splitAtWhere(text: string): string[] {
  const parts = [""];
  for (const [piece] of text.matchAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\bwhere\b|[\s\S]/g)) {
    if (piece === "where") parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}

/** @throws UserError for a column that no row has. */
export function verdictOf(
  expectation: Expectation,
  plan: TablePlan,
  rows: readonly Row[],
  language: Language,
): ExpectationResult {
  const { text, where, claim, condition } = expectation;
  const table = new RowScopes(plan, rows, language);
  for (const expression of [claim, condition]) if (expression !== undefined) table.check(expression);
  const asksStatus = claim.names.has("status") || condition?.names.has("status") === true;
  const selected = rows.filter(
    (row) => (asksStatus || row["status"] !== "unsupported") && table.selects(condition, row),
  );
  const isFailed = (row: Row): boolean => !asksStatus && row["status"] === "failed";
  const failures: ExpectationFailure[] = selected.filter(isFailed).map((row) => ({
    cell: table.cellOf(row),
    reason: `the cell failed: ${row["reason"]}`,
    values: {},
  }));
  const judged = selected.filter((row) => !isFailed(row));
  if (expectation.isAggregate) failures.push(...table.judgeAll(claim, judged));
  else for (const row of judged) failures.push(...table.judge(claim, row));
  const isEmpty = selected.length === 0 && !claim.calls.has("count");
  const skipped = isEmpty ? reasonOfMissing(rows, table, condition, plan) : undefined;
  const reason = skipped ?? (isEmpty ? "selected no rows" : "");
  const sides = table.sidesOf(claim, judged, expectation.isAggregate);
  return {
    text,
    where,
    passed: failures.length === 0 && (reason === "" || skipped !== undefined),
    skipped: skipped !== undefined,
    rows: selected.length,
    reason,
    failures,
    ...(sides === undefined ? {} : { sides }),
  };
}

/** Why the rows that a condition selects are all of cells without their files; undefined when they are not, or are none. */
function reasonOfMissing(
  rows: readonly Row[],
  table: RowScopes,
  condition: Expression | undefined,
  plan: TablePlan,
): string | undefined {
  const missing = new Map(plan.cells.map(({ id, config }) => [id, config?.code?.missing]));
  const reasons = rows
    .filter((row) => table.selects(condition, row))
    .map((row) => missing.get(table.cellOf(row)));
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

/** The rows that a condition selects, as `where:` of a chart does. @throws UserError */
export function selectRows(
  condition: string,
  where: string,
  plan: Plan,
  rows: readonly Row[],
  language: Language,
): Row[] {
  const expression = parseCondition(condition, where);
  const table = new RowScopes(plan, rows, language);
  table.check(expression);
  return rows.filter((row) => table.selects(expression, row));
}
