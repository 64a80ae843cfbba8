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
 * How far a name may be from what was written, from 0 (equal) to 1. Names here are made of parts (`hardware/agile`,
 * `host.pauseLoopExiting`, `memory-ledger`), so that a whole part, or the beginning of one, says more than a few letters in
 * common: `agile` is hardware/agile, not `alive`.
 */
const NEAR = {
  sameLetters: 0.02,
  lastPart: 0.1,
  part: 0.12,
  beginning: 0.2,
  partsBeginning: 0.24,
  contained: 0.3,
  /** Share of the longer word's letters that may differ: less than this, and half of a short word's. */
  mostEdited: 0.4,
  mostEditedShort: 0.5,
  /** What is so much farther than the nearest was not meant. */
  tie: 0.1,
} as const;
const SHORT = 4;
/** Parts of names below so many letters say nothing. */
const SHORTEST_PART = 3;

/**
 * Up to `most` of `words` that a person may have meant, nearest first; of equally near ones the shorter. Case does not count.
 * Empty when nothing is near.
 */
export function nearestWords(word: string, words: Iterable<string>, most = 3): string[] {
  const near = [...new Set(words)]
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    .filter(({ distance }) => distance < 1);
  near.sort((a, b) => a.distance - b.distance || a.candidate.length - b.candidate.length);
  const farthest = (near[0]?.distance ?? 0) + NEAR.tie;
  return near
    .filter(({ distance }) => distance <= farthest)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** From 0 (equal but for case) to below 1; 1 where nobody would mistake the one for the other. */
function distanceOf(word: string, candidate: string): number {
  const [wanted, other] = [word.toLowerCase(), candidate.toLowerCase()];
  if (wanted === other) return 0;
  const letters = (text: string): string => text.replace(/[^a-z0-9]/g, "");
  if (letters(wanted) !== "" && letters(wanted) === letters(other)) return NEAR.sameLetters;
  const longer = Math.max(wanted.length, other.length);
  const edited = editDistance(wanted, other) / longer;
  const isNear = edited < NEAR.mostEdited || (longer <= SHORT && edited <= NEAR.mostEditedShort);
  return Math.min(isNear ? edited : 1, distanceByParts(wanted, partsOf(candidate), other));
}

function distanceByParts(wanted: string, parts: readonly string[], other: string): number {
  if (wanted.length < SHORTEST_PART) return 1;
  if (parts.at(-1) === wanted) return NEAR.lastPart;
  if (parts.includes(wanted)) return NEAR.part;
  if (other.startsWith(wanted)) return NEAR.beginning;
  if (parts.some((part) => part.startsWith(wanted))) return NEAR.partsBeginning;
  const isPart = other.includes(wanted) || (other.length >= SHORTEST_PART && wanted.includes(other));
  return isPart ? NEAR.contained : 1;
}

/** `host.pauseLoopExiting` → host, pause, loop, exiting. */
function partsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
