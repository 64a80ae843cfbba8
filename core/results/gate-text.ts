/** The gate's verdict for people: a line, what changed, and the rest folded; for a terminal and as Markdown. Pure. */
import { updateCommand } from "./baseline.js";
import { count } from "./change-text.js";
import { comparisonMarkdown, comparisonText, folded } from "./comparison-text.js";
import type { Gate, ScenarioVerdict } from "./gate.js";

/** One line: green or red, and how much was compared. */
export function gateVerdict({ scenarios, before, isGreen, ...gate }: Gate): string {
  const red = scenarios.filter(({ isRed }) => isRed).length;
  const cells = scenarios.reduce((sum, { comparison }) => sum + comparison.compared, 0);
  const compared = `${count(cells, "cell")} of ${count(scenarios.length, "scenario")}`;
  if (isGreen) return `GREEN: ${compared}, all modelled numbers as in ${before}`;
  const missing = gate.withoutBaseline.length + gate.notRun.length;
  const parts = [
    red > 0
      ? `${red} of ${count(scenarios.length, "scenario")} differ${red === 1 ? "s" : ""} from ${before}`
      : "",
    missing > 0 && gate.isStrict ? `${count(missing, "scenario")} on one side only` : "",
  ];
  return `RED: ${parts.filter((part) => part !== "").join("; ")}`;
}

/** For a terminal. @param all leaves no difference out */
export function gateText(gate: Gate, all = false): string {
  const lines = [gateVerdict(gate)];
  for (const verdict of gate.scenarios.filter(hasMore)) {
    const { scenario, before, after, comparison, notes } = verdict;
    lines.push("", `${scenario}  (${before} → ${after})`);
    for (const note of notes) lines.push(`  note: ${note}`);
    lines.push(...indented(comparisonText(comparison, all).trimEnd()));
  }
  const quiet = gate.scenarios.filter((verdict) => !hasMore(verdict));
  if (quiet.length > 0) lines.push("", `equal: ${quiet.map(quietText).join(", ")}`);
  lines.push(...asideLines(gate));
  if (gate.scenarios.some(({ isRed }) => isRed)) lines.push("", blessing(gate));
  return `${lines.join("\n")}\n`;
}

/** For a pull request or a job's summary. */
export function gateMarkdown(gate: Gate, title = "virtlab: regression gate"): string {
  const parts = [`## ${gate.isGreen ? "🟢" : "🔴"} ${title}`, gateVerdict(gate)];
  for (const { scenario, comparison, notes } of gate.scenarios.filter(hasMore)) {
    parts.push(
      `### ${scenario}`,
      ...notes.map((note) => `*${note}*`),
      comparisonMarkdown(comparison).trimEnd(),
    );
  }
  const quiet = gate.scenarios.filter((verdict) => !hasMore(verdict));
  if (quiet.length > 0) {
    const rows = quiet.map(({ scenario, comparison }) => `| ${scenario} | ${comparison.compared} |`);
    const table = ["| scenario | cells |", "| --- | --- |", ...rows].join("\n");
    parts.push(folded(`${count(quiet.length, "scenario")} equal`, table));
  }
  parts.push(...asideLines(gate).filter((line) => line !== ""));
  if (gate.scenarios.some(({ isRed }) => isRed)) parts.push(blessing(gate));
  return `${parts.join("\n\n")}\n`;
}

/** The gate as data. */
export function gateJson(gate: Gate): string {
  return `${JSON.stringify({ verdict: gateVerdict(gate), ...gate }, undefined, 2)}\n`;
}

/** Worth a paragraph: it differs, or there is something to say. */
function hasMore({ comparison, notes }: ScenarioVerdict): boolean {
  return !comparison.isEqual || notes.length > 0 || comparison.timing !== undefined;
}

function quietText({ scenario, comparison }: ScenarioVerdict): string {
  return `${scenario} (${count(comparison.compared, "cell")})`;
}

function asideLines({ withoutBaseline, notRun }: Gate): string[] {
  const lines: string[] = [];
  if (withoutBaseline.length > 0) lines.push("", `no baseline: ${withoutBaseline.join(", ")}`);
  if (notRun.length > 0) lines.push("", `not run: ${notRun.join(", ")}`);
  return lines;
}

function blessing({ scenarios }: Gate): string {
  const names = scenarios.filter(({ isRed }) => isRed).map(({ scenario }) => scenario);
  return `If this is meant: ${updateCommand(names.join(" "))}`;
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => (line === "" ? "" : `  ${line}`));
}
