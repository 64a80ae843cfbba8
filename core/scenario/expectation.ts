/**
 * Phase 7: `walk_refs_max == 24 where technique == 'hardware/nested' and page == '4K'`. Each row that `where` selects must
 * satisfy the first part. Unsupported rows are selected only by a condition on `status`; a failed row that is
 * selected fails the expectation; one that selects no rows fails. Aggregates (count, sum, mean, lowest, highest)
 * speak of all selected rows at once.
 */
import { UserError } from "../util/errors.js";
import { type Expression, parseExpression } from "./expression.js";
import { checked, hasAggregate, RowScopes } from "./row-scope.js";
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
export function parseExpectation({ text, where }: ExpectationText): Expectation {
  const parts: string[] =
    text.match(/(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\bwhere\b|(?!\bwhere\b)[\s\S])/g) ?? [];
  const at = parts.indexOf("where");
  if (at !== -1 && parts.indexOf("where", at + 1) !== -1)
    throw new UserError(`\`${text}\` has two wheres`, { where, mend: "join conditions by `and`" });
  const claim = checked(
    parseExpression(
      parts
        .slice(0, at === -1 ? undefined : at)
        .join("")
        .trim(),
      where,
    ),
  );
  const condition =
    at === -1
      ? undefined
      : checked(
          parseExpression(
            parts
              .slice(at + 1)
              .join("")
              .trim(),
            where,
          ),
        );
  if (condition !== undefined && hasAggregate(condition)) {
    throw new UserError(`an aggregate cannot select rows: \`${condition.text}\``, {
      where,
      mend: "use aggregates before `where`",
    });
  }
  return { text, where, claim, condition, isAggregate: hasAggregate(claim) };
}

/** @throws UserError for a column that no row has. */
export function verdictOf(
  expectation: Expectation,
  plan: Plan,
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
  const failed = asksStatus ? [] : selected.filter((row) => row["status"] === "failed");
  const failures: ExpectationFailure[] = failed.map((row) => ({
    cell: table.cellOf(row),
    reason: `the cell failed: ${row["reason"]}`,
    values: {},
  }));
  const judged = selected.filter((row) => !failed.includes(row));
  if (expectation.isAggregate) failures.push(...table.judgeAll(claim, judged));
  else for (const row of judged) failures.push(...table.judge(claim, row));
  const reason = selected.length === 0 && !expectation.isAggregate ? "selected no rows" : "";
  return {
    text,
    where,
    passed: failures.length === 0 && reason === "",
    rows: selected.length,
    reason,
    failures,
  };
}

/** The rows that a condition selects, as `where:` of a chart does. @throws UserError */
export function selectRows(
  condition: string,
  where: string,
  plan: Plan,
  rows: readonly Row[],
  language: Language,
): Row[] {
  const expression = checked(parseExpression(condition, where));
  const table = new RowScopes(plan, rows, language);
  table.check(expression);
  return rows.filter((row) => table.selects(expression, row));
}
