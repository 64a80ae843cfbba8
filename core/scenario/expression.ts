/**
 * Expressions over a row: `tlb_misses > 2 * peer('technique','native').tlb_misses and page != '4K'`. Parsed by
 * vega-expression to a tree and evaluated here over the closed set of nodes below: no code is ever generated. The words `and`,
 * `or`, `not` stand for &&, ||, !. What a name or a function means is the caller's (Scope). Only this file touches
 * `vega-expression`.
 */
import { parseExpression as parseTree } from "vega-expression";
import { UserError } from "../util/errors.js";

type Tree = ReturnType<typeof parseTree>;
export type Value = number | string | boolean;

/** A checked tree; `names` are the columns it mentions, `calls` the functions. */
export interface Expression {
  readonly text: string;
  readonly where: string;
  readonly tree: Node;
  readonly names: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
}

/** What names and functions mean. A function gets its arguments unevaluated, so that it can evaluate them elsewhere. */
export interface Scope {
  /** The value of a column; undefined when the row has none. */
  read(name: string): Value | undefined;
  /** `member` is the column after the dot, as in peer(…).cycles. */
  call(name: string, args: readonly Node[], member: string | undefined): Value | undefined;
}

/** The nodes that remain of the parser's, after checking. */
export type Node =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly args: readonly Node[];
      readonly member: string | undefined;
    }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: "in"; readonly item: Node; readonly list: readonly Node[] }
  | { readonly kind: "choice"; readonly test: Node; readonly yes: Node; readonly no: Node };

/** A value was needed and there is none: the row has no such number. Not the user's mistake: the row fails. */
export class MissingValue extends Error {}

/** The tree is walked by recursion. */
const LONGEST = 1000;
const STRINGS = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/.source;
const WORDS: Readonly<Record<string, string>> = { and: "&&", or: "||", not: "!" };
/** Operators that compare two values. */
export const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);
const OPERATORS = new Set([...COMPARISONS, "+", "-", "*", "/", "%", "&&", "||"]);

/** @param where `file:line:column` for errors. @throws UserError for what is no expression or is not allowed in one. */
export function parseExpression(text: string, where: string): Expression {
  const names = new Set<string>();
  const calls = new Set<string>();
  const refuse = (what: string, mend?: string): never => {
    throw new UserError(`${what} in the expression \`${text.slice(0, 100)}\``, {
      where,
      ...(mend === undefined ? {} : { mend }),
    });
  };
  if (text.length > LONGEST) return refuse(`${text.length} characters are too many`);
  const written = text.replace(
    new RegExp(`${STRINGS}|\\b(?:and|or|not)\\b`, "g"),
    (word) => WORDS[word] ?? word,
  );

  const node = (tree: Tree): Node => {
    switch (tree.type) {
      case "Literal": {
        const { value } = tree;
        if (typeof value === "number" || typeof value === "string" || typeof value === "boolean")
          return { kind: "constant", value };
        return refuse(`${tree.raw} is not a number or text`);
      }
      case "Identifier":
        names.add(tree.name);
        return { kind: "name", name: tree.name };
      case "MemberExpression":
        return member(tree);
      case "CallExpression":
        return call(tree);
      case "UnaryExpression":
        if (tree.operator !== "!" && tree.operator !== "-" && tree.operator !== "+")
          return refuse(`"${tree.operator}" is not known`);
        return { kind: "unary", operator: tree.operator, operand: node(tree.argument) };
      case "LogicalExpression":
      case "BinaryExpression":
        return binary(tree.operator, tree.left as Tree, tree.right);
      case "ConditionalExpression":
        return {
          kind: "choice",
          test: node(tree.test),
          yes: node(tree.consequent),
          no: node(tree.alternate),
        };
      default:
        return refuse(`${tree.type} is not allowed`);
    }
  };
  const call = (tree: Tree, column?: string): Node => {
    if (tree.type !== "CallExpression" || tree.callee.type !== "Identifier")
      return refuse("only named functions are called");
    calls.add(tree.callee.name);
    return {
      kind: "call",
      name: tree.callee.name,
      args: tree.arguments.map((each) => node(each as Tree)),
      member: column,
    };
  };
  const member = (tree: Tree & { type: "MemberExpression" }): Node => {
    const parts: string[] = [];
    let at: Tree = tree;
    while (at.type === "MemberExpression") {
      if (at.computed || at.property.type !== "Identifier") return refuse("brackets are not allowed");
      parts.unshift(at.property.name);
      at = at.object as Tree;
    }
    if (at.type === "CallExpression")
      return parts.length === 1 ? call(at, parts[0]) : refuse("one column follows the dot");
    if (at.type !== "Identifier") return refuse("a dot follows a name or peer(…)");
    const name = [at.name, ...parts].join(".");
    names.add(name);
    return { kind: "name", name };
  };
  const binary = (operator: string, left: Tree, right: Tree): Node => {
    if (operator === "in") {
      if (right.type !== "ArrayExpression") return refuse("after `in` comes a list such as ['4K', '2M']");
      return { kind: "in", item: node(left), list: right.elements.map((each) => node(each as Tree)) };
    }
    const plain = operator === "===" ? "==" : operator === "!==" ? "!=" : operator;
    if (!OPERATORS.has(plain)) return refuse(`"${operator}" is not known`);
    if (COMPARISONS.has(plain) && left.type === "UnaryExpression" && left.operator === "!") {
      return refuse("not (or !) before a comparison negates its left side alone", "write not (…)");
    }
    return { kind: "binary", operator: plain, left: node(left), right: node(right) };
  };

  let tree: Tree;
  try {
    tree = parseTree(written);
  } catch (error) {
    const problem = (error as Error).message
      .replace(/\.$/, "")
      .replace("Unexpect ", "unexpected ")
      .toLowerCase();
    const isAssignment = /[^=!<>]=[^=]/.test(text);
    return refuse(
      problem,
      isAssignment ? "compare with ==" : "e.g. `exits == 0 where technique == 'native'`",
    );
  }
  return { text, where, tree: node(tree), names, calls };
}

/** @throws MissingValue where a number is needed and there is none. */
export function evaluate(node: Node, scope: Scope): Value {
  switch (node.kind) {
    case "constant":
      return node.value;
    case "name":
      return present(scope.read(node.name), node.name);
    case "call":
      return present(
        scope.call(node.name, node.args, node.member),
        `${node.name}(…)${node.member === undefined ? "" : `.${node.member}`}`,
      );
    case "unary": {
      const value = evaluate(node.operand, scope);
      if (node.operator === "!") return !isTrue(value);
      return node.operator === "-" ? -numberOf(value, node.operand) : numberOf(value, node.operand);
    }
    case "in": {
      const item = evaluate(node.item, scope);
      return node.list.some((each) => isEqual(item, evaluate(each, scope)));
    }
    case "choice":
      return evaluate(isTrue(evaluate(node.test, scope)) ? node.yes : node.no, scope);
    case "binary":
      return binaryValue(node, scope);
  }
}

/** Text is true unless empty or "false"; a number unless 0. */
export function isTrue(value: Value): boolean {
  return value !== false && value !== 0 && value !== "" && value !== "false";
}

function binaryValue({ operator, left, right }: Node & { kind: "binary" }, scope: Scope): Value {
  const a = evaluate(left, scope);
  if (operator === "&&") return isTrue(a) && isTrue(evaluate(right, scope));
  if (operator === "||") return isTrue(a) || isTrue(evaluate(right, scope));
  const b = evaluate(right, scope);
  if (operator === "==") return isEqual(a, b);
  if (operator === "!=") return !isEqual(a, b);
  const x = numberOf(a, left);
  const y = numberOf(b, right);
  switch (operator) {
    case "<":
      return x < y;
    case "<=":
      return x <= y;
    case ">":
      return x > y;
    case ">=":
      return x >= y;
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
    default:
      return x % y;
  }
}

/** Rows hold booleans as text. */
function isEqual(a: Value, b: Value): boolean {
  return (
    a === b || (typeof a === "boolean" && String(a) === b) || (typeof b === "boolean" && String(b) === a)
  );
}

function numberOf(value: Value, node: Node): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  const name = node.kind === "name" ? node.name : "an operand";
  throw new MissingValue(value === "" ? `${name} has no value` : `${name} is "${value}", not a number`);
}

function present(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new MissingValue(`${name} has no value`);
  return value;
}
