/**
 * The one linear memory of a machine: counters, translation caches, data-cache tags and RAM, at offsets fixed when the
 * machine is made. A WebAssembly.Memory of full size from the start (views detach on `grow`), so that every engine can
 * share it; the operating system commits only what is touched.
 *
 * RAM comes last. Machine frames below `backedFrames` have contents there; frames above are *bare*: they have a number,
 * an owner and a price but no contents, so footprints of hundreds of GiB need only their page tables.
 */
import { invariant, UnsupportedError } from "../util/errors.js";

const WASM_PAGE = 65_536;
/** Largest linear memory of WebAssembly. */
const LIMIT_BYTES = 0x1_0000_0000;

/** Hands out typed arrays one after the other, 64-byte aligned; made first without memory to measure, then with it. */
export class Allocation {
  private offset = 0;

  constructor(private readonly buffer: ArrayBuffer | SharedArrayBuffer | undefined) {}

  int32(length: number): Int32Array {
    const start = this.take(length * 4);
    return this.buffer === undefined ? new Int32Array(0) : new Int32Array(this.buffer, start, length);
  }

  float64(length: number): Float64Array {
    const start = this.take(length * 8);
    return this.buffer === undefined ? new Float64Array(0) : new Float64Array(this.buffer, start, length);
  }

  uint8(length: number): Uint8Array {
    const start = this.take(length);
    return this.buffer === undefined ? new Uint8Array(0) : new Uint8Array(this.buffer, start, length);
  }

  get bytes(): number {
    return this.offset;
  }

  private take(bytes: number): number {
    const start = this.offset;
    this.offset = Math.ceil((start + bytes) / 64) * 64;
    return start;
  }
}

export interface LinearMemory<State> {
  readonly memory: WebAssembly.Memory;
  /** Whatever `layout` returned: the typed arrays of the machine's state. */
  readonly state: State;
  /** RAM as 32-bit words; the word of a byte address in frame f is f * 1024 + offset / 4. */
  readonly ram: Int32Array;
}

/**
 * Makes the linear memory of a machine.
 * @param layout declares the machine's state; called twice, first to measure.
 * @param backedFrames 4 KiB frames of RAM with contents.
 * @throws UnsupportedError when state and RAM exceed 4 GiB.
 */
export function makeLinearMemory<State>(
  layout: (allocation: Allocation) => State,
  backedFrames: number,
): LinearMemory<State> {
  const measure = new Allocation(undefined);
  layout(measure);
  const ramStart = Math.ceil(measure.bytes / WASM_PAGE) * WASM_PAGE;
  const bytes = ramStart + Math.ceil((backedFrames * 4096) / WASM_PAGE) * WASM_PAGE;
  if (bytes > LIMIT_BYTES) {
    throw new UnsupportedError(
      `page tables need ${backedFrames} frames of contents; at most ${Math.floor((LIMIT_BYTES - ramStart) / 4096)} fit the 4 GiB linear memory`,
    );
  }
  const pages = bytes / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const allocation = new Allocation(memory.buffer);
  const state = layout(allocation);
  invariant(allocation.bytes === measure.bytes, "a layout measures as it allocates");
  return { memory, state, ram: new Int32Array(memory.buffer, ramStart, backedFrames * 1024) };
}
