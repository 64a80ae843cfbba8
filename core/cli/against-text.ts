/** What `bench --against` found, for a terminal and as Markdown. Pure functions. */
import type { AgainstResult } from "../lab/against.js";
import type { HostComparison, HostVerdict } from "../lab/host-comparison.js";
import { count } from "../results/change-text.js";
import { folded } from "../results/comparison-text.js";
import { gateMarkdown, gateText } from "../results/gate-text.js";
import { humanNumber } from "../results/humanise.js";
import { textTable } from "./text-table.js";

/** Below this the compiler's work outweighs the region's. */
const SHORT_SECONDS = 0.01;

/** One line: host times green or red. */
export function hostVerdict({ cells, slower, rules, clock }: HostComparison, name: string): string {
  const by = `${clock} time, ${rules.pairs} pairs of processes`;
  if (slower > 0) return `RED: ${slower} of ${count(cells.length, "cell")} slower than ${name} (${by})`;
  const faster = cells.filter(({ verdict }) => verdict === "faster").length;
  const also = faster === 0 ? "" : `, ${faster} faster`;
  return `GREEN: no slowdown of ${percentOf(rules.floor)} or more in ${count(cells.length, "cell")} against ${name}${also} (${by})`;
}

export function againstText(result: AgainstResult): string {
  const { host, name } = result;
  const modelled = `modelled numbers: ${gateText(result.gate).trimEnd()}`;
  if (host === undefined) return `${modelled}\n\nhost time: not measured, the scenario has no timing:`;
  const columns = [
    { title: "B / A", align: "right" as const },
    { title: "p", align: "right" as const },
    { title: "A", align: "right" as const },
    { title: "B", align: "right" as const },
    { title: "verdict" },
    { title: "cell" },
  ];
  const rows = host.cells.map((cell) => [...fieldsOf(cell), cell.cell]);
  const groups = host.groups.map(
    ({ group, ratio, cells }) => `  ${group}: ${changeOf(ratio)} (geometric mean of ${count(cells, "cell")})`,
  );
  const isShort = host.cells.some(({ secondsA }) => secondsA < SHORT_SECONDS);
  return [
    modelled,
    "",
    `host time: ${hostVerdict(host, name)}`,
    ...(isShort ? ["note: a cell of some milliseconds is mostly start-up; --size small judges better"] : []),
    `A is ${name}, B is this build`,
    "",
    ...textTable(columns, rows),
    "",
    ...groups,
  ].join("\n");
}

export function againstMarkdown(result: AgainstResult): string {
  const { host, name, gate } = result;
  const parts = [gateMarkdown(gate, "virtlab: modelled numbers").trimEnd()];
  if (host !== undefined) {
    const isRed = host.slower > 0;
    const head = ["| B / A | p | A | B | verdict | cell |", "| ---: | ---: | ---: | ---: | --- | --- |"];
    const row = (cell: HostVerdict): string => `| ${[...fieldsOf(cell), `\`${cell.cell}\``].join(" | ")} |`;
    const shown = host.cells.filter(({ verdict }) => verdict !== "same");
    const quiet = host.cells.filter(({ verdict }) => verdict === "same");
    parts.push(`## ${isRed ? "🔴" : "🟢"} virtlab: host time`, hostVerdict(host, name));
    parts.push(host.groups.map(({ group, ratio }) => `- ${group}: ${changeOf(ratio)}`).join("\n"));
    if (shown.length > 0) parts.push([...head, ...shown.map(row)].join("\n"));
    if (quiet.length > 0)
      parts.push(folded(`${count(quiet.length, "cell")} as fast`, [...head, ...quiet.map(row)].join("\n")));
  }
  return `${parts.join("\n\n")}\n`;
}

function fieldsOf({ ratio, p, secondsA, secondsB, verdict, confirmation }: HostVerdict): string[] {
  const second =
    confirmation === undefined
      ? ""
      : verdict === "same"
        ? ` (first ${changeOf(ratio)}, again ${changeOf(confirmation.ratio)}: not confirmed)`
        : ` (again ${changeOf(confirmation.ratio)})`;
  return [
    ratio.toFixed(3),
    p.toPrecision(2),
    `${humanNumber(secondsA)} s`,
    `${humanNumber(secondsB)} s`,
    `${verdict}${second}`,
  ];
}

/** 1.104 → "10.4% slower". */
function changeOf(ratio: number): string {
  const size = percentOf(Math.max(ratio, 1 / ratio) - 1);
  return `${size} ${ratio >= 1 ? "slower" : "faster"}`;
}

function percentOf(share: number): string {
  return `${Number((100 * share).toFixed(1))}%`;
}
