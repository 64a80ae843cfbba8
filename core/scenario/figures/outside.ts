/**
 * Published figures that no scenario sets beside ours: results/outside.yaml, ids with the reason. And the account of all rows of
 * published.csv: each is compared, or orders two of ours, or is outside of the model for a reason that is written down.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../../util/errors.js";
import { nearestWords } from "../../util/nearest.js";
import { readDocument } from "../document.js";
import { problemsOf } from "../problems.js";
import type { Scenario } from "../scenario.js";
import { publishedFigures } from "./published.js";

const NAME = "results/outside.yaml";
const FILE = new URL("../../../results/outside.yaml", import.meta.url);

/** The reason of each id of results/outside.yaml, in its order. @throws UserError */
export function outsideFigures(): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(FILE, "utf8");
  } catch {
    throw new UserError(`${NAME} is missing`, { mend: `restore it: git checkout ${NAME}` });
  }
  return readOutside(text);
}

/** The same of the file's text. @throws UserError with the place */
export function readOutside(text: string): ReadonlyMap<string, string> {
  const document = readDocument(text, NAME);
  const words = z.string().min(1);
  const entry = z.strictObject({ published: z.union([words, z.array(words)]), outside: words });
  const schema = z.strictObject({ outside: z.array(entry) });
  const result = schema.safeParse(document.data);
  if (!result.success) {
    const { message, mend, path, of } = result.error.issues.flatMap((issue) =>
      problemsOf(issue, document.data, schema),
    )[0]!;
    const where = document.locate(path, of) ?? document.locate(path.slice(0, -1)) ?? NAME;
    throw new UserError(message, { where, ...(mend === undefined ? {} : { mend }) });
  }
  const reasons = new Map<string, string>();
  for (const [index, { published, outside }] of result.data.outside.entries()) {
    const where = document.locate(["outside", index, "published"]) ?? NAME;
    for (const id of [published].flat()) {
      if (!publishedFigures().has(id))
        throw new UserError(`results/published.csv has no figure ${id}`, {
          where,
          mend:
            nearestWords(id, publishedFigures().keys()).map((near) => `did you mean ${near}?`)[0] ??
            "ids are in its first column",
        });
      if (reasons.has(id)) throw new UserError(`${id} is given twice`, { where, mend: "keep one of them" });
      reasons.set(id, outside);
    }
  }
  return reasons;
}

/** Where each row of published.csv went. */
export interface Account {
  /** All rows. */
  readonly published: number;
  readonly compared: number;
  /** Not compared as numbers, but a published order that ours are held to. */
  readonly ordered: number;
  readonly outside: number;
  /** Ids that nothing mentions. */
  readonly missing: readonly string[];
  /** Ids that results/outside.yaml calls outside although a scenario mentions them. */
  readonly contradicted: readonly string[];
}

/** @param outside as outsideFigures gives them */
export function accountOf(
  scenarios: readonly Pick<Scenario, "figures" | "orderings">[],
  outside: ReadonlyMap<string, string>,
): Account {
  const compared = new Set<string>();
  const ordered = new Set<string>();
  const outsideThere = new Set<string>();
  for (const { figures, orderings } of scenarios) {
    for (const spec of figures) {
      if ("outside" in spec) for (const id of [spec.published].flat()) outsideThere.add(id);
      else for (const id of [spec.published, spec.over?.published]) if (id !== undefined) compared.add(id);
    }
    for (const { published } of orderings) for (const id of published) ordered.add(id);
  }
  const counts = { compared: 0, ordered: 0, outside: 0 };
  const missing: string[] = [];
  for (const id of publishedFigures().keys()) {
    if (compared.has(id)) counts.compared++;
    else if (ordered.has(id)) counts.ordered++;
    else if (outsideThere.has(id) || outside.has(id)) counts.outside++;
    else missing.push(id);
  }
  const isMentioned = (id: string): boolean => compared.has(id) || ordered.has(id) || outsideThere.has(id);
  const contradicted = [...outside.keys()].filter(isMentioned);
  return { published: publishedFigures().size, ...counts, missing, contradicted };
}
