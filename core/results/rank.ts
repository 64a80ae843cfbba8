/** Rank correlations: do two lists put things in the same order? Held to published examples in rank.test.ts. */

/** Ranks from 1, ties share their mean rank. */
function ranksOf(values: readonly number[]): number[] {
  const ordered = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < ordered.length; ) {
    let to = from;
    while (to < ordered.length && ordered[to]!.value === ordered[from]!.value) to++;
    const shared = (from + 1 + to) / 2;
    for (; from < to; from++) ranks[ordered[from]!.index] = shared;
  }
  return ranks;
}

/** Spearman's rho (1904): the correlation of ranks. Undefined for fewer than two values, or where one list is all ties. */
export function spearman(a: readonly number[], b: readonly number[]): number | undefined {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const mean = (a.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - mean, y[i]! - mean];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined;
}

/** Kendall's tau-b (1945): pairs in the same order less those in the other, of all that are not tied. Undefined as Spearman's. */
export function kendall(a: readonly number[], b: readonly number[]): number | undefined {
  let [score, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    for (let j = i + 1; j < a.length; j++) {
      const [da, db] = [Math.sign(a[i]! - a[j]!), Math.sign(b[i]! - b[j]!)];
      score += da * db;
      ofA += da * da;
      ofB += db * db;
    }
  }
  return ofA > 0 && ofB > 0 ? score / Math.sqrt(ofA * ofB) : undefined;
}
