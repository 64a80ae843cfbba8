/** Claims from verdicts: what confirms, contradicts, fails, or says nothing; and the page. */
import { expect, test } from "vitest";
import { CLAIMS, type ExpectationResult, UNMODELLED } from "../scenario/index.js";
import { claimCounts, claimsMarkdown, claimVerdicts } from "./claims.js";

const line = (more: Partial<ExpectationResult>): ExpectationResult => ({
  text: "exits == 0 where technique == 'a|b'",
  where: "x.yaml:1:1",
  passed: true,
  skipped: false,
  rows: 1,
  reason: "",
  failures: [],
  ...more,
});

const of = (...expectations: ExpectationResult[]) => [{ scenario: "x", size: "tiny", expectations }];
const verdictOf = (id: string, ...expectations: ExpectationResult[]) =>
  claimVerdicts(of(...expectations)).find(({ claim }) => claim.id === id)!.verdict;

test.each([
  ["confirmed", [line({ claim: "cpu-1" })]],
  ["refuted", [line({ refutes: "cpu-1" })]],
  ["depends", [line({ claim: "cpu-1" }), line({ refutes: "cpu-1" })]],
  ["not shown", [line({ claim: "cpu-1" }), line({ claim: "cpu-1", passed: false })]],
  ["no scenario", [line({ claim: "cpu-2" }), line({})]],
  ["no scenario", [line({ claim: "cpu-1", skipped: true })]],
] as const)("%s", (verdict, lines) => {
  expect(verdictOf("cpu-1", ...lines)).toBe(verdict);
});

test("a claim without a mechanism says so, with the reason; every claim is in the page, once", () => {
  expect(verdictOf("io-7")).toBe("not modelled");
  const verdicts = claimVerdicts(
    of(
      line({
        claim: "cpu-1",
        sides: [
          [0, 0],
          [1, 2500],
        ],
      }),
    ),
  );
  const page = claimsMarkdown(verdicts, "tiny");
  for (const { id } of CLAIMS) expect(page.split(`**${id}: `)).toHaveLength(2);
  for (const reason of Object.values(UNMODELLED)) expect(page).toContain(reason);
  expect(page).toContain("0 against 1 to 2,500");
  expect(page).toContain("'a\\|b'"); // a bar would end the table's field
  expect(claimCounts(verdicts).reduce((sum, [, count]) => sum + count, 0)).toBe(CLAIMS.length);
});
