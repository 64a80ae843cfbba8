/**
 * Our values beside published ones. A figure's `where` selects the one row that its `value` is taken from, or the rows of an
 * aggregate; with `over`, ratios are compared in place of values. What has no value says why: its row did not finish, or no
 * model of ours gives it (`outside`). Nothing is dropped.
 */
import { UserError } from "../../util/errors.js";
import { nearestWords } from "../../util/nearest.js";
import { constantNames } from "../constants.js";
import { parseCondition } from "../expectation.js";
import { type Expression, evaluate, MissingValue, parseExpression } from "../expression.js";
import { checked, hasAggregate, RowScopes } from "../row-scope.js";
import type { Plan, Row, Scenario } from "../scenario.js";
import type { Language } from "../schema.js";
import { type PublishedFigure, publishedFigures, type Range } from "./published.js";
import type { ComparedSpec, FigureSpec } from "./schema.js";

export interface FigureResult {
  /** The published id; a ratio's is `id / other id`. */
  readonly figure: string;
  readonly title: string;
  readonly published: PublishedFigure;
  /** Of what is compared. */
  readonly unit: string;
  /** What is compared of the published value; undefined where nothing is. */
  readonly value: Range | undefined;
  readonly ours: number | undefined;
  readonly status: "compared" | "missing" | "outside";
  /** Why it is not compared. */
  readonly reason: string;
  /** Constants that were set from this very figure. */
  readonly fitted: readonly string[];
  /** Figures of one group are ranked together. */
  readonly group: string;
  /** Expression and condition as written, for whoever wants to check. */
  readonly expression: string;
}

/** A figure with its expressions parsed. */
interface Comparison {
  readonly spec: ComparedSpec;
  readonly name: string;
  readonly value: Selection;
  readonly over: Selection | undefined;
  readonly as: Expression | undefined;
}

/** An expression, and the condition on the rows that it speaks of. */
interface Selection {
  readonly value: Expression;
  readonly condition: Expression | undefined;
  readonly text: string;
}

type Locate = Scenario["locate"];

/**
 * Refuses what can be refused without rows: syntax, ids given twice, constants that do not exist.
 * @param parameters names of parameters that the scenario itself sets, from which a figure may be fitted as well
 * @throws UserError
 */
export function checkFigures(
  specs: readonly FigureSpec[],
  parameters: readonly string[],
  locate: Locate,
): void {
  const seen = new Set<string>();
  for (const [index, spec] of specs.entries()) {
    if ("fitted" in spec) refuseUnknownConstants(spec, parameters, (at) => locate(["figures", index, ...at]));
    const names = "outside" in spec ? [spec.published].flat() : [comparisonOf(spec, index, locate).name];
    for (const name of names) {
      if (seen.has(name))
        throw new UserError(`the figure ${name} is given twice`, {
          where: locate(["figures", index, "published"]),
          mend: "keep one of them, or give the other a title of its own",
        });
      seen.add(name);
    }
  }
}

function refuseUnknownConstants(
  { fitted = [] }: ComparedSpec,
  parameters: readonly string[],
  locate: (at: readonly (string | number)[]) => string,
): void {
  if (fitted.length === 0) return;
  const known = [...constantNames(), ...parameters];
  for (const [at, name] of fitted.entries()) {
    if (known.includes(name)) continue;
    const near = nearestWords(name, known);
    throw new UserError(`there is no constant ${name}`, {
      where: locate(["fitted", at]),
      mend:
        near.length > 0
          ? `did you mean ${near.join(" or ")}?`
          : "names are as in results/FITS.md: costs.vm_exit, start.client; parameters.<name> of one that this scenario sets",
    });
  }
}

/**
 * Every figure of a scenario, in order.
 * @throws UserError for unknown columns, and where `where` does not select the one row that is needed
 */
export function compareFigures(plan: Plan, rows: readonly Row[], language: Language): FigureResult[] {
  const { figures, locate } = plan.scenario;
  const table = new RowScopes(plan, rows, language);
  return figures.flatMap((spec, index) => {
    if ("outside" in spec) return [spec.published].flat().map((id) => outsideOf(id, spec.outside));
    const comparison = comparisonOf(spec, index, locate);
    const { over, as, name } = comparison;
    const published = publishedFigures().get(spec.published)!;
    const other =
      spec.over?.published === undefined ? undefined : publishedFigures().get(spec.over.published)!;
    const base: FigureResult = {
      figure: name,
      title: spec.title ?? `${published.quantity}, ${published.configuration}`,
      published,
      unit: spec.unit ?? (other === undefined && as === undefined ? published.unit : "ratio"),
      value: quotient(
        transformed(published.value, as),
        other === undefined ? undefined : transformed(other.value, as),
      ),
      ours: undefined,
      status: "missing",
      reason: "",
      fitted: spec.fitted ?? [],
      group: spec.group ?? "",
      expression: over === undefined ? comparison.value.text : `(${comparison.value.text}) / (${over.text})`,
    };
    const [above, below] = [comparison.value, over].map((selection) =>
      selection === undefined ? 1 : numberOf(selection, table, rows, name),
    ) as [Found, Found];
    const missing = [above, below].find((found) => typeof found === "string");
    if (missing !== undefined) return [{ ...base, reason: String(missing) }];
    const ours = (above as number) / (below as number);
    if (!Number.isFinite(ours)) return [{ ...base, reason: "our value is no number: a division by 0" }];
    return [{ ...base, ours, status: "compared" as const }];
  });
}

/** A number, or why there is none. */
type Found = number | string;

function numberOf(
  { value, condition }: Selection,
  table: RowScopes,
  rows: readonly Row[],
  name: string,
): Found {
  for (const expression of [value, condition]) if (expression !== undefined) table.check(expression);
  const selected = rows.filter((row) => table.selects(condition, row));
  const isAggregate = hasAggregate(value);
  const where = condition?.where ?? value.where;
  if (selected.length === 0)
    throw new UserError(`the figure ${name}: \`${condition?.text ?? ""}\` selects no row`, {
      where,
      mend: "`virtlab plan` shows the cells, at every size",
    });
  if (!isAggregate && selected.length > 1)
    throw new UserError(`the figure ${name}: ${selected.length} rows are selected, and one is needed`, {
      where,
      mend: `add a condition, or say which of them: lowest(${value.text}), mean(…), …; the first are ${selected
        .slice(0, 3)
        .map((row) => table.cellOf(row))
        .join(" and ")}`,
    });
  const other = selected.find((row) => row["status"] !== "done");
  if (other !== undefined) return `${table.cellOf(other)} is ${other["status"]}: ${other["reason"]}`;
  try {
    return isAggregate ? table.numberOfAll(value, selected) : table.numberIn(value, selected[0]!);
  } catch (error) {
    if (error instanceof MissingValue) return error.message;
    throw error;
  }
}

/** A figure that nothing of ours is set beside, and why. */
export function outsideOf(id: string, reason: string): FigureResult {
  const published = publishedFigures().get(id)!;
  return {
    figure: id,
    title: `${published.quantity}, ${published.configuration}`,
    published,
    unit: published.unit,
    value: published.value,
    ours: undefined,
    status: "outside",
    reason,
    fitted: [],
    group: "",
    expression: "",
  };
}

/** @throws UserError for syntax */
function comparisonOf(spec: ComparedSpec, index: number, locate: Locate): Comparison {
  const at = (...path: string[]): string => locate(["figures", index, ...path]);
  const { over } = spec;
  const value = selectionOf(spec.value, spec.where, at("value"), at("where"));
  const isOfRows = over?.value !== undefined || over?.where !== undefined;
  if (over !== undefined && over.published === undefined && !isOfRows)
    throw new UserError("`over` names nothing", {
      where: at("over"),
      mend: "give published, value or where",
    });
  return {
    spec,
    name:
      spec.title ??
      (over?.published === undefined ? spec.published : `${spec.published} / ${over.published}`),
    value,
    over: isOfRows
      ? selectionOf(
          over.value ?? spec.value,
          over.where ?? spec.where,
          at("over", "value"),
          at("over", "where"),
        )
      : undefined,
    as: spec.as === undefined ? undefined : asOf(spec.as, at("as")),
  };
}

function selectionOf(value: string, where: string | undefined, at: string, conditionAt: string): Selection {
  return {
    value: checked(parseExpression(value, at)),
    condition: where === undefined ? undefined : parseCondition(where, conditionAt),
    text: where === undefined ? value : `${value} where ${where}`,
  };
}

/** An expression over the one name `published`. */
function asOf(text: string, where: string): Expression {
  const expression = parseExpression(text, where);
  const strange = [...expression.calls, ...expression.names].find((name) => name !== "published");
  if (strange === undefined) return expression;
  throw new UserError(`there is no ${strange} in \`${text}\``, {
    where,
    mend: "write it over `published`, e.g. 1 + published / 100",
  });
}

function transformed(range: Range, as: Expression | undefined): Range {
  if (as === undefined) return range;
  const [one, other] = [range.low, range.high].map((published) =>
    Number(evaluate(as.tree, { read: () => published, call: () => undefined })),
  ) as [number, number];
  return { low: Math.min(one, other), high: Math.max(one, other) };
}

/** Of two ranges of positive numbers. */
function quotient(above: Range, below: Range | undefined): Range {
  return below === undefined ? above : { low: above.low / below.high, high: above.high / below.low };
}
