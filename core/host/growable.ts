/** Typed arrays that grow: at least twice as long each time, so that growing costs little in sum. */

type Growable =
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** The array itself, or a longer copy; new elements are `fill`. */
export function grown<T extends Growable>(array: T, needed: number, fill = 0): T {
  if (needed <= array.length) return array;
  const Kind = array.constructor as new (length: number) => T;
  const longer = new Kind(Math.max(needed, 2 * array.length));
  longer.fill(fill, array.length);
  longer.set(array);
  return longer;
}
