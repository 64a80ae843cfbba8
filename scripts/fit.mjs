/**
 * Solves for every constant that a scenario of papers names as fitted, through the model, and sets it beside the committed one:
 *
 *   node scripts/fit.mjs [scenario …] [--size tiny]
 *
 * A constant that several figures or other constants share is solved for alone, the others as they are; where a figure's part was set from
 * a sum over several constants, each alone takes all of the difference. Exit code 1 where both constant and figure are farther off than the
 * tolerance.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "./build.mjs";

/** Relative: the figures are published with two or three digits, and constants are rounded. */
const TOLERANCE = 0.1;

if (!buildIfStale()) process.exit(1);
const { planCells } = await import("../dist/lab/run.js");
const { solveFits } = await import("../dist/lab/solve.js");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: "string", default: "tiny" } },
});
const folder = path.join(ROOT, "scenarios", "papers");
const all = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const names =
  positionals.length === 0 ? all : positionals.map((name) => `${path.basename(name, ".yaml")}.yaml`);

let isOff = false;
for (const name of names) {
  const fits = await solveFits(planCells(path.join(folder, name), { size: values.size }), { workers: 1 });
  for (const { figure, constant, committed, solved, published, ours } of fits) {
    const off = solved === undefined ? Number.NaN : solved / committed - 1;
    const isFar = !(Math.abs(off) <= TOLERANCE) && !(Math.abs(ours / published - 1) <= TOLERANCE);
    isOff ||= isFar;
    const found =
      solved === undefined ? "no value gives it" : `solved ${solved.toFixed(1)} (${(100 * off).toFixed(1)}%)`;
    console.log(
      `${isFar ? "OFF" : "ok "}  ${path.basename(name, ".yaml")}  ${figure}: published ${published}, ours ${ours.toPrecision(4)}; ${constant} ${committed}, ${found}`,
    );
  }
}
process.exit(isOff ? 1 : 0);
