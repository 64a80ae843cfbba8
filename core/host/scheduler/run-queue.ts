/** The threads that wait for one processor, least key first; of equal keys the one that came first. A binary heap. Hot code. */
import { grown } from "../growable.js";

export class RunQueue {
  length = 0;
  /** Sum of what the waiting threads weighed when they came. */
  load = 0;
  private threads = new Int32Array(16);
  private keys = new Float64Array(16);
  private order = new Float64Array(16);
  private loads = new Float64Array(16);
  private came = 0;

  push(thread: number, key: number, load: number): void {
    const needed = this.length + 1;
    this.threads = grown(this.threads, needed);
    this.keys = grown(this.keys, needed);
    this.order = grown(this.order, needed);
    this.loads = grown(this.loads, needed);
    this.load += load;
    let hole = this.length++;
    const order = this.came++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.keys[parent]! <= key) break;
      this.move(parent, hole);
      hole = parent;
    }
    this.put(hole, thread, key, order, load);
  }

  /** Of the next thread; there must be one. */
  firstKey(): number {
    return this.keys[0]!;
  }

  pop(): number {
    return this.removeAt(0);
  }

  /** Takes a thread out of the middle; false when it is not here. */
  remove(thread: number): boolean {
    for (let i = 0; i < this.length; i++) {
      if (this.threads[i] !== thread) continue;
      this.removeAt(i);
      return true;
    }
    return false;
  }

  /** The thread at a place, in no order: for looking through all. */
  at(index: number): number {
    return this.threads[index]!;
  }

  /** What the thread at a place weighed when it came. */
  loadAt(index: number): number {
    return this.loads[index]!;
  }

  private removeAt(index: number): number {
    const thread = this.threads[index]!;
    const last = --this.length;
    this.load = last === 0 ? 0 : this.load - this.loads[index]!;
    if (index === last) return thread;
    const [moved, key] = [this.threads[last]!, this.keys[last]!];
    const [order, load] = [this.order[last]!, this.loads[last]!];
    let hole = index;
    while (hole > 0 && this.isAfter((hole - 1) >> 1, key, order)) {
      this.move((hole - 1) >> 1, hole);
      hole = (hole - 1) >> 1;
    }
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= last) break;
      if (child + 1 < last && this.isAfter(child, this.keys[child + 1]!, this.order[child + 1]!)) child++;
      if (this.isAfter(child, key, order)) break;
      this.move(child, hole);
      hole = child;
    }
    this.put(hole, moved, key, order, load);
    return thread;
  }

  /** Whether the thread at a place comes after one with this key and order. */
  private isAfter(place: number, key: number, order: number): boolean {
    const difference = this.keys[place]! - key;
    return difference > 0 || (difference === 0 && this.order[place]! > order);
  }

  private move(from: number, to: number): void {
    this.put(to, this.threads[from]!, this.keys[from]!, this.order[from]!, this.loads[from]!);
  }

  private put(place: number, thread: number, key: number, order: number, load: number): void {
    this.threads[place] = thread;
    this.keys[place] = key;
    this.order[place] = order;
    this.loads[place] = load;
  }
}
