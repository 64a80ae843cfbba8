/** `virtlab plan`: the cells of a scenario in the order of their rows, which of them are unsupported, and what they need. */
import { findWorkload } from "../guest/workloads/index.js";
import { planCells } from "../lab/run.js";
import { humanValue } from "../results/humanise.js";
import type { Cell } from "../scenario/index.js";
import { unsupportedReason } from "../scenario/support.js";
import type { ParameterValue } from "../util/parameters.js";
import { formatBytes } from "../util/units.js";
import type { ScenarioOptions } from "./bench.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export async function plan(options: ScenarioOptions, terminal: Terminal): Promise<ExitCode> {
  const { scenario, cells, axes, hash } = planCells(scenarioFile(options.scenario), options);
  const described = cells.map((cell) => ({
    index: cell.index,
    id: cell.id,
    axes: cell.axes,
    unsupported: unsupportedReason(cell.config) ?? null,
    guestDataBytes: guestDataBytes(cell) ?? null,
  }));
  const supported = described.filter(({ unsupported }) => unsupported === null);
  const most = Math.max(0, ...described.map(({ guestDataBytes }) => guestDataBytes ?? 0));
  if (options.json) {
    const { name, title, question, seed, size } = scenario;
    const head = { scenario: name, title, question, seed, size, hash, axes };
    terminal.print(JSON.stringify({ ...head, cells: described }, undefined, 2));
    return EXIT_CODE.ok;
  }
  terminal.print(terminal.paint("bold", scenario.title));
  if (scenario.question !== "") terminal.print(scenario.question);
  const rows = described.map((cell) => [
    String(cell.index),
    ...axes.map((axis) => axisText(axis, cell.axes[axis] ?? "")),
    cell.guestDataBytes === null ? "" : formatBytes(cell.guestDataBytes),
    cell.unsupported ?? "",
  ]);
  const columns = [
    { title: "cell", align: "right" as const },
    ...axes.map((title) => ({ title })),
    { title: "guest data", align: "right" as const },
    { title: "unsupported because" },
  ];
  terminal.print(`\n${textTable(columns, rows).join("\n")}\n`);
  const left = cells.length - supported.length;
  const data = `; guest data ${formatBytes(most)} at most in one cell (simulated: it needs no memory here)`;
  terminal.print(
    `${cells.length} cells${left === 0 ? "" : `, ${left} of them unsupported`}; size ${scenario.size}, seed ${scenario.seed}, ` +
      `plan ${hash.slice(0, 12)}${most === 0 ? "" : data}`,
  );
  return EXIT_CODE.ok;
}

/** As the table of a run has it: sizes in their units. */
function axisText(axis: string, value: ParameterValue): string {
  return typeof value === "boolean" ? String(value) : humanValue(axis, value);
}

/** Data of a reference stream mapped at the same time, bytes. */
function guestDataBytes({ config }: Cell): number | undefined {
  return findWorkload(config.workload)?.footprint(config.parameters as never, config.page).dataBytes;
}
