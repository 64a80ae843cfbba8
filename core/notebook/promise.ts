/** What a notebook promises: `check` in a cell. `npm run notebooks` counts them; one that does not hold ends the cell. */
import { escapeHtml } from "../charts/html.js";
import { checkExpectations } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { display } from "./kernel.js";
import { Results } from "./results.js";
import { plainRows } from "./rows.js";

/** Failing rows that are told. */
const MOST_FAILURES = 5;

/** A claim about the rows of a run, in a scenario's words: `check(ept, "exits == 0 where technique == 'native'")`. */
export async function check(results: Results, expectation: string): Promise<void>;
/** A claim in the notebook's own words, and whether it holds: `check("24 entries", walk.references("walk") === 24)`. */
export async function check(claim: string, holds: boolean): Promise<void>;
export async function check(subject: Results | string, claim: string | boolean): Promise<void> {
  const text = subject instanceof Results ? String(claim) : subject;
  const failures = subject instanceof Results ? failuresOf(subject, text) : claim === true ? [] : [""];
  if (failures.length > 0)
    throw new UserError(`this does not hold: ${text}`, {
      mend: [...failures.slice(0, MOST_FAILURES), "the numbers or the notebook must change"]
        .filter((line) => line !== "")
        .join("\n  "),
    });
  const html = `<small style="color:#1a7f37">✓ <code>${escapeHtml(text)}</code></small>`;
  await display({
    data: { "text/html": html, "text/plain": `✓ ${text}` },
    metadata: { virtlab: { promise: text } },
  });
}

/** Why an expectation does not hold, a line a row; empty when it does. @throws UserError for syntax and unknown columns */
function failuresOf({ parts, rows, title }: Results, text: string): string[] {
  if (parts.plan === undefined)
    throw new UserError(`${title} was loaded, not run: its cells are not known`, {
      mend: "run the scenario, or compute the claim: check(text, condition)",
    });
  const scenario = { ...parts.plan.scenario, expect: [{ text, where: "check" }] };
  const [verdict] = checkExpectations({ ...parts.plan, scenario }, plainRows(rows));
  if (verdict === undefined || verdict.passed) return [];
  const told = verdict.failures.map(({ cell, reason, values }) => {
    const used = Object.entries(values).map(([name, value]) => `${name} = ${value}`);
    return `${cell}: ${[reason, ...used].filter((part) => part !== "").join(", ")}`;
  });
  return told.length > 0 ? told : [verdict.reason];
}
