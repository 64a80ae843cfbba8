/** Binary search. */

/** The index of the last of `count` ascending keys that is not above `wanted`; -1 if all are. */
export function lastAtMost(count: number, keyAt: (index: number) => number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyAt(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
