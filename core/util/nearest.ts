/** The words nearest to a misspelled one, for error messages ("did you mean …?"). */

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        previous[column - 1]! + (same ? 0 : 1),
        previous[column]! + 1,
        current[column - 1]! + 1,
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, before[column - 2]! + 1);
      }
      current.push(least);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * Up to `most` of `words` that a person may have meant, nearest first: at most a third of the letters differ (at least two
 * may), or one contains the other. Case does not count. Empty when nothing is near.
 */
export function nearestWords(word: string, words: Iterable<string>, most = 3): string[] {
  const wanted = word.toLowerCase();
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of new Set(words)) {
    const other = candidate.toLowerCase();
    const distance = editDistance(wanted, other);
    const isPart =
      wanted.length >= 3 && (other.includes(wanted) || (other.length >= 3 && wanted.includes(other)));
    const limit = Math.min(
      Math.max(2, Math.ceil(wanted.length / 3)),
      Math.max(wanted.length, other.length) - 1,
    );
    if (isPart || distance <= limit) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance);
  return near.slice(0, most).map(({ candidate }) => candidate);
}
