/** Every published figure is accounted for: compared, an ordering, or outside of the model with a reason. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { UserError } from "../../util/errors.js";
import { loadScenario } from "../run.js";
import { accountOf, outsideFigures, readOutside } from "./outside.js";

const PAPERS = path.join(import.meta.dirname, "../../../scenarios/papers");

test("no row of published.csv is dropped, and none is called outside that a scenario mentions", () => {
  const files = readdirSync(PAPERS).filter((name) => name.endsWith(".yaml"));
  const account = accountOf(
    files.map((name) => loadScenario(path.join(PAPERS, name))),
    outsideFigures(),
  );
  expect(account.missing).toEqual([]);
  expect(account.contradicted).toEqual([]);
  expect(account.compared + account.ordered + account.outside).toBe(account.published);
  expect(account.compared).toBeGreaterThan(100);
});

test("a row that nothing mentions is told, and one that is called outside in vain", () => {
  const figure = { published: "agesen12-rt-merom", value: "1", over: { published: "agesen12-rt-penryn" } };
  const ordering = { says: "", published: ["ept09-class-gain"], expect: { text: "", where: "" } };
  const scenario = { figures: [figure], orderings: [ordering] };
  const account = accountOf([scenario], new Map([["agesen12-rt-merom", "no reason"]]));
  expect(account).toMatchObject({ compared: 2, ordered: 1, outside: 0 });
  expect(account.contradicted).toEqual(["agesen12-rt-merom"]);
  expect(account.missing).toHaveLength(account.published - 3);
});

test.each([
  ["outside: [{ published: agesen12-rt-merum, outside: no }]", "did you mean agesen12-rt-merom?"],
  ["outside: [{ published: agesen12-rt-merom }]", "expected text, found nothing"],
  [
    "outside:\n  - { published: agesen12-rt-merom, outside: a }\n  - { published: [agesen12-rt-merom], outside: b }",
    "outside.yaml:3:18: agesen12-rt-merom is given twice",
  ],
])("refused: %s", (text, words) => {
  let told = "accepted";
  try {
    readOutside(text);
  } catch (error) {
    told = (error as UserError).text;
  }
  expect(told).toContain(words);
});
