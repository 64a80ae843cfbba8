/**
 * What names and functions mean in an expression over rows: columns (by column or axis name), arithmetic, the row's peer
 * and baseline, and aggregates over the selected rows. Every value used is noted, to show why an expectation failed.
 */
import { UserError } from "../util/errors.js";
import { median } from "../util/median.js";
import { parseBytes } from "../util/units.js";
import type { Cell } from "./config.js";
import {
  COMPARISONS,
  type Expression,
  evaluate,
  isTrue,
  MissingValue,
  type Node,
  type Scope,
  type Value,
} from "./expression.js";
import { RowIndex } from "./row.js";
import type { ExpectationFailure, ExpectationResult, Plan, Row, Scenario, ValueRange } from "./scenario.js";
import type { Language } from "./schema.js";
import { columnSuggestion, suggestion } from "./suggestion.js";

const ARITHMETIC: Readonly<Record<string, (...numbers: number[]) => number>> = {
  abs: Math.abs,
  min: Math.min,
  max: Math.max,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  sqrt: Math.sqrt,
  log2: Math.log2,
};
const AGGREGATES: Readonly<Record<string, (numbers: readonly number[]) => number>> = {
  count: (numbers) => numbers.filter((each) => each !== 0).length,
  sum: (numbers) => numbers.reduce((sum, each) => sum + each, 0),
  mean: (numbers) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length,
  median,
  lowest: (numbers) => Math.min(...numbers),
  highest: (numbers) => Math.max(...numbers),
};
const OF_ROWS = ["peer", "base"];
const FUNCTIONS = [...Object.keys(ARITHMETIC), ...Object.keys(AGGREGATES), ...OF_ROWS, "bytes"];

/** The expression, if every function in it exists. @throws UserError */
export function checked(expression: Expression): Expression {
  for (const name of expression.calls) {
    if (FUNCTIONS.includes(name)) continue;
    const mend = suggestion(name, FUNCTIONS);
    throw new UserError(`there is no function ${name} (in \`${expression.text}\`)`, {
      where: expression.where,
      ...(mend === undefined ? {} : { mend }),
    });
  }
  return expression;
}

export function hasAggregate(expression: Expression): boolean {
  return [...expression.calls].some((name) => name in AGGREGATES);
}

/** What rows are of: their cells, and the axes that tell them apart. */
export type TablePlan = Pick<Plan, "axes"> & {
  readonly cells: readonly (Pick<Cell, "id" | "axes"> & { readonly config?: Pick<Cell["config"], "code"> })[];
  readonly scenario: Pick<Scenario, "baseline">;
};

/** Rows with what names and functions mean over them. */
export class RowScopes {
  private readonly index: RowIndex;
  private readonly columns = new Set<string>();
  private readonly cells = new Map<Row, string>();

  constructor(
    private readonly plan: TablePlan,
    private readonly rows: readonly Row[],
    private readonly language: Language,
  ) {
    this.index = new RowIndex(plan, rows);
    for (const row of rows) for (const column of Object.keys(row)) this.columns.add(column);
    const ids = new Map(
      plan.cells.map((cell) => [plan.axes.map((axis) => String(cell.axes[axis])).join("\n"), cell.id]),
    );
    for (const row of rows)
      this.cells.set(row, ids.get(plan.axes.map((axis) => String(row[axis])).join("\n")) ?? "");
  }

  cellOf(row: Row): string {
    return this.cells.get(row) ?? "";
  }

  /** Every column named exists. */
  check(expression: Expression): void {
    for (const name of expression.names) this.checkColumn(name, expression.text, expression.where);
  }

  /** When nothing finished, there are no columns to compare with. */
  private checkColumn(name: string, text: string, where: string): void {
    if (this.columns.has(this.columnOf(name)) || this.rows.every(hasNoValues)) return;
    const mend = columnSuggestion(name, this.columns);
    throw new UserError(`no row has a column "${name}" (in \`${text}\`)`, { where, mend });
  }

  selects(condition: Expression | undefined, row: Row): boolean {
    if (condition === undefined) return true;
    try {
      return isTrue(evaluate(condition.tree, this.scopeOf(row, condition.where, {})));
    } catch (error) {
      if (error instanceof MissingValue) return row["status"] === "failed";
      throw error;
    }
  }

  judge(claim: Expression, row: Row): ExpectationFailure[] {
    const values: Record<string, Value> = {};
    return outcome(this.cellOf(row), values, () =>
      evaluate(claim.tree, this.scopeOf(row, claim.where, values)),
    );
  }

  judgeAll(claim: Expression, rows: readonly Row[]): ExpectationFailure[] {
    const values: Record<string, Value> = {};
    return outcome("all rows", values, () => evaluate(claim.tree, this.scopeOfAll(claim, rows, values)));
  }

  /** The numbers on either side of a comparison, over rows; undefined for what is no comparison of numbers. */
  sidesOf(claim: Expression, rows: readonly Row[], isAggregate: boolean): ExpectationResult["sides"] {
    const { tree } = claim;
    if (tree.kind !== "binary" || !COMPARISONS.has(tree.operator) || rows.length === 0) return undefined;
    const scopes = isAggregate
      ? [this.scopeOfAll(claim, rows, {})]
      : rows.map((row) => this.scopeOf(row, claim.where, {}));
    const [left, right] = [tree.left, tree.right].map((side) => rangeOver(side, scopes));
    return left === undefined || right === undefined ? undefined : [left, right];
  }

  /** The number that an expression gives in a row. @throws MissingValue */
  numberIn(expression: Expression, row: Row): number {
    return asNumber(evaluate(expression.tree, this.scopeOf(row, expression.where, {})));
  }

  /** The number that aggregates give over rows. @throws MissingValue */
  numberOfAll(expression: Expression, rows: readonly Row[]): number {
    return asNumber(evaluate(expression.tree, this.scopeOfAll(expression, rows, {})));
  }

  private scopeOfAll(claim: Expression, rows: readonly Row[], values: Record<string, Value>): Scope {
    const outside = (name: string): never => {
      throw new UserError(`${name} stands outside of an aggregate in \`${claim.text}\``, {
        where: claim.where,
        mend: `write highest(${name}) or lowest(${name})`,
      });
    };
    const scope: Scope = {
      read: outside,
      call: (name, args, member) => {
        const aggregate = AGGREGATES[name];
        if (aggregate === undefined)
          return this.call(name, args, member, undefined, claim.where, values, scope);
        const numbers = rows.map((row) =>
          args[0] === undefined ? 1 : asNumber(evaluate(args[0], this.scopeOf(row, claim.where, {}))),
        );
        if (numbers.length === 0 && name !== "count" && name !== "sum")
          throw new MissingValue(`${name} of no rows`);
        values[`${name}(${args.map(textOf).join(", ")})`] = aggregate(numbers);
        return aggregate(numbers);
      },
    };
    return scope;
  }

  private scopeOf(row: Row, where: string, values: Record<string, Value>): Scope {
    const scope: Scope = {
      read: (name) => {
        const value = valueIn(row, this.columnOf(name));
        if (value !== undefined) values[name] = value;
        return value;
      },
      call: (name, args, member) => this.call(name, args, member, row, where, values, scope),
    };
    return scope;
  }

  private call(
    name: string,
    args: readonly Node[],
    member: string | undefined,
    row: Row | undefined,
    where: string,
    values: Record<string, Value>,
    scope: Scope,
  ): Value | undefined {
    const arithmetic = ARITHMETIC[name];
    if (arithmetic !== undefined) return arithmetic(...args.map((each) => asNumber(evaluate(each, scope))));
    const given = args.map((each) => evaluate(each, scope));
    if (name === "bytes") return parseBytes(String(given[0]));
    if (row === undefined) throw new UserError(`${name} stands outside of an aggregate`, { where });
    const isBase = name === "base";
    if (!isBase && (member === undefined || given.length === 0 || given.length % 2 === 1)) {
      throw new UserError("peer(…) takes axes with their values, and a column follows it", {
        where,
        mend: "write e.g. peer('technique', 'native').cycles",
      });
    }
    const changes = isBase ? this.baseline(where) : this.changes(given, where);
    const column = this.columnOf(isBase ? String(given[0]) : (member ?? ""));
    const text = isBase
      ? `base('${column}')`
      : `peer(${given.map((each) => `'${each}'`).join(", ")}).${column}`;
    this.checkColumn(column, text, where);
    const value = valueIn(this.index.peer(row, changes), column);
    if (value !== undefined) values[text] = value;
    else throw new MissingValue(`${text} has no value: no such row, or it did not finish`);
    return value;
  }

  private changes(given: readonly Value[], where: string): Record<string, Value> {
    const changes: Record<string, Value> = {};
    for (let i = 0; i + 1 < given.length; i += 2) {
      const axis = this.columnOf(String(given[i]));
      if (!this.plan.axes.includes(axis)) {
        throw new UserError(`peer('${given[i]}', …): not an axis of this scenario`, {
          where,
          mend: `its axes are: ${this.plan.axes.join(", ")}`,
        });
      }
      changes[axis] = given[i + 1]!;
    }
    return changes;
  }

  private baseline(where: string): Readonly<Record<string, Value>> {
    const { baseline } = this.plan.scenario;
    if (baseline === undefined)
      throw new UserError("base(…) needs a baseline", {
        where,
        mend: "add `baseline: { technique: native }`",
      });
    return baseline;
  }

  /** Columns may be named as axes are: machine.profile is profile. */
  private columnOf(name: string): string {
    return this.columns.has(name) ? name : (this.language.axes.byName.get(name)?.column ?? name);
  }
}

function outcome(cell: string, values: Record<string, Value>, judge: () => Value): ExpectationFailure[] {
  try {
    return isTrue(judge()) ? [] : [{ cell, reason: "", values }];
  } catch (error) {
    if (error instanceof MissingValue) return [{ cell, reason: error.message, values }];
    throw error;
  }
}

/** From least to greatest of the scopes where it has a number; undefined where it has none in any. */
function rangeOver(node: Node, scopes: readonly Scope[]): ValueRange | undefined {
  const numbers = scopes.flatMap((scope) => {
    try {
      const value = evaluate(node, scope);
      return typeof value === "number" ? [value] : [];
    } catch (error) {
      if (error instanceof MissingValue) return [];
      throw error;
    }
  });
  return numbers.length === 0 ? undefined : [Math.min(...numbers), Math.max(...numbers)];
}

function hasNoValues({ status }: Row): boolean {
  return status === "failed" || status === "unsupported";
}

/** Own columns alone: a row is no place to find a prototype's. */
function valueIn(row: Row | undefined, column: string): Value | undefined {
  return row !== undefined && Object.hasOwn(row, column) ? row[column] : undefined;
}

function asNumber(value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  throw new MissingValue(value === "" ? "a value is missing" : `"${value}" is not a number`);
}

function textOf(node: Node): string {
  return node.kind === "name" ? node.name : node.kind === "constant" ? String(node.value) : "…";
}
