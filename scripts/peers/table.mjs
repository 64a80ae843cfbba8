/** The measurements as Markdown. */

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const geometricMean = (values) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const rate = (mips) => (mips >= 100 ? Math.round(mips).toLocaleString("en") : mips.toFixed(1));

/** Millions of instructions a second of a cell by its median run; undefined if it has none that took any time. */
export function speed(cell) {
  const times = (cell?.runs ?? []).map((run) => run[cell.clock]).filter((time) => time > 0);
  return times.length > 0 ? cell.instructions / median(times) / 1e6 : undefined;
}

/** How an engine compares with the first over the kinds of the mean that both have run: { mean, kinds }. */
export function compare(rows, name, reference) {
  const ratios = rows
    .filter((row) => row.isInMean && speed(row.cells[name]) && speed(row.cells[reference]))
    .map((row) => speed(row.cells[name]) / speed(row.cells[reference]));
  return { kinds: ratios.length, mean: ratios.length > 0 ? geometricMean(ratios) : undefined };
}

function line(cells) {
  return `| ${cells.join(" | ")} |`;
}

/** A table: a row a kind, a column an engine, millions of instructions a second. */
export function markdown(rows, engines) {
  const [reference] = engines;
  const body = rows.map((row) =>
    line([
      row.isInMean ? row.kind : `(${row.kind})`,
      ...engines.map(({ name }) => {
        const value = speed(row.cells[name]);
        return value === undefined ? "–" : rate(value);
      }),
    ]),
  );
  const means = engines.map(({ name }) => {
    const { mean, kinds } = compare(rows, name, reference.name);
    return mean === undefined ? "–" : `${mean.toFixed(2)}× (${kinds})`;
  });
  return [
    line(["millions of instructions a second", ...engines.map((engine) => engine.title)]),
    line(["---", ...engines.map(() => "--:")]),
    ...body,
    line([`**geometric mean against ${reference.title}** (kinds)`, ...means]),
  ].join("\n");
}
