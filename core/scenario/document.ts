/**
 * Phase 1: YAML text → plain data with the position of everything in it. Whatever the text is (empty, binary, a list,
 * a bomb of aliases), the answer is a document or a UserError with file:line:column. Only this file touches `yaml`.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import { UserError } from "../util/errors.js";

/** A place in a document: keys and list indices from the top. */
export type DocumentPath = readonly (string | number)[];

export interface LocatedDocument {
  readonly file: string;
  readonly data: Readonly<Record<string, unknown>>;
  /**
   * `file:line:column` of the value at a path (or of its key), or undefined where nothing is written there.
   * `isSame` says when a written key stands for a wanted one; exact equality is always tried first.
   */
  locate(
    path: DocumentPath,
    of?: "key" | "value",
    isSame?: (written: string, wanted: string) => boolean,
  ): string | undefined;
}

const MOST_ALIASES = 100;
const DEEPEST = 300;
const MOST_CHARACTERS = 1_048_576;
/** Of one text. Titles are drawn, and drawing takes the square of a text's length. */
const LONGEST_TEXT = 2_000;
const PLAINER = "write it in fewer and plain letters";

/** Reads one YAML document whose top is a mapping. @throws UserError */
export function readDocument(text: string, file: string): LocatedDocument {
  if (text.length > MOST_CHARACTERS) {
    throw new UserError("is larger than 1 MiB: not a scenario", {
      where: file,
      mend: "check that the path is right",
    });
  }
  if (text.includes("\0") || text.includes("\uFFFD")) {
    throw new UserError("is not text in UTF-8", { where: file, mend: "check that the path is right" });
  }
  refuseDeepNesting(text, file);
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const document = parsed(text, file, lines);
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw syntaxError(problem.code, problem.message, at(problem.pos[0]));
  if (document.contents === null)
    throw new UserError("is empty", { where: file, mend: "write at least `workload:` and `technique:`" });
  if (!isMap(document.contents)) {
    throw new UserError("a scenario is a mapping of keys to values", {
      where: at(document.contents.range?.[0] ?? 0),
      mend: "write e.g. `workload: gups`; scenarios/ept.yaml is an example",
    });
  }
  return {
    file,
    data: plainData(document, file, at),
    locate: (path, of = "value", isSame = () => false) => {
      const offset = offsetOf(document, path, of, isSame);
      return offset === undefined ? undefined : at(offset);
    },
  };
}

/**
 * One value written in YAML, as after `--set key=`. Text that is not YAML is taken as it stands.
 * @throws UserError for text that no file may hold either
 */
export function readValue(text: string): unknown {
  const unfit = unfitText(text);
  if (unfit !== undefined) throw new UserError(unfit, { where: "--set", mend: PLAINER });
  try {
    refuseDeepNesting(text, "");
    const document = parseDocument(text, { logLevel: "error" });
    return document.errors.length > 0 ? text : document.toJS({ maxAliasCount: 0 });
  } catch {
    return text;
  }
}

function parsed(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error", uniqueKeys: true });
  } catch (error) {
    throw new UserError(
      error instanceof RangeError ? "is nested too deeply" : `cannot be read as YAML: ${String(error)}`,
      { where: file },
    );
  }
}

/** The parser recurses for each level of nesting; a text made to be deep would end the process. */
function refuseDeepNesting(text: string, file: string): void {
  let brackets = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const leading = /^(?:[-?:]?[ \t]+)*/.exec(line)![0].length;
    for (const character of line) {
      if (character === "[" || character === "{") brackets++;
      else if ((character === "]" || character === "}") && brackets > 0) brackets--;
      if (brackets + leading > DEEPEST) {
        throw new UserError("is nested too deeply", {
          where: `${file}:${index + 1}:1`,
          mend: "a scenario has a few levels",
        });
      }
    }
  }
}

function syntaxError(code: string, message: string, where: string): UserError {
  if (code === "DUPLICATE_KEY") {
    return new UserError("this key is given twice", { where, mend: "keep one of the two" });
  }
  if (code === "TAB_AS_INDENT")
    return new UserError("a tab cannot indent YAML", { where, mend: "use spaces" });
  if (code === "MULTIPLE_DOCS")
    return new UserError("a file holds one scenario", { where, mend: "remove `---` and what follows" });
  return new UserError(message, {
    where,
    mend: "check brackets, quotes and indentation here and just above",
  });
}

function plainData(
  document: Document.Parsed,
  file: string,
  at: (offset: number) => string,
): Record<string, unknown> {
  visit(document, {
    Scalar: (_, { value, range }) => {
      const unfit = typeof value === "string" ? unfitText(value) : undefined;
      if (unfit !== undefined) throw new UserError(unfit, { where: at(range?.[0] ?? 0), mend: PLAINER });
    },
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      throw new UserError(`nothing is anchored as &${alias.source}`, { where: at(alias.range?.[0] ?? 0) });
    },
  });
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as Record<string, unknown>;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!message.startsWith("Excessive alias count")) throw new UserError(message, { where: file });
    throw new UserError(`its YAML aliases expand too far (more than ${MOST_ALIASES} nodes)`, {
      where: file,
      mend: "write the values out, or use `extends`",
    });
  }
}

/** What neither a terminal nor a picture can show safely. Line ends and tabs are text. */
function unfitText(text: string): string | undefined {
  if (text.length > LONGEST_TEXT)
    return `a text of ${text.length} characters is too long: at most ${LONGEST_TEXT}`;
  const control = /[^\P{Cc}\n\r\t]|\p{Cs}|[\uFFFE\uFFFF]/u.exec(text)?.[0];
  if (control === undefined) return undefined;
  const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `a text holds the control character U+${code}`;
}

function offsetOf(
  document: Document.Parsed,
  path: DocumentPath,
  of: "key" | "value",
  isSame: (written: string, wanted: string) => boolean,
): number | undefined {
  let node: Node | null | undefined = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const items = node.items as Pair<Node, Node | null>[];
      const pair =
        items.find((item) => keyOf(item) === String(step)) ??
        items.find((item) => isSame(keyOf(item), String(step)));
      if (pair === undefined) return undefined;
      node = pair.value;
      offset = (of === "value" ? pair.value?.range?.[0] : undefined) ?? pair.key.range?.[0] ?? offset;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      if (item === undefined) return undefined;
      node = item;
      offset = item.range?.[0] ?? offset;
    } else return undefined;
  }
  return offset;
}

function keyOf(pair: Pair<Node, Node | null>): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}
