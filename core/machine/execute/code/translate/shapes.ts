/**
 * Code that blocks share. Most blocks are executed too seldom for a translation of their own, but many are alike: they have the
 * same instructions with the same registers, and differ in immediates, displacements and places. One function, which reads
 * those from the block's records (site.ts), serves all blocks of such a shape, and costs the second of them nothing.
 */
import type { Block } from "../code-cache.js";
import { RECORD, RECORD_BYTES } from "../record.js";

/** When the code of shapes is made. */
export interface SharingPolicy {
  /** Blocks of a shape that have to wait for it. */
  readonly leastBlocks: number;
  /** Blocks that wait until all that may be made is made: a module has its price. */
  readonly batchBlocks: number;
}
export const SHARING: SharingPolicy = { leastBlocks: 4, batchBlocks: 32 };
/** Shapes with code at most; after that blocks wait to be translated by themselves. */
const MOST_SHAPES = 1 << 12;
/** Words of a record that a shape consists of: those before the place of the instruction, and after it. */
const FIRST_WORDS = [RECORD.handler / 4, RECORD.operands / 4, RECORD.operands / 4 + 1, RECORD.base / 4];
const SCALE_AND_LENGTH = RECORD.scale / 4;
const SCALE_AND_LENGTH_MASK = 0xffff;
const SEGMENT_AND_LINKABLE = RECORD.segment / 4;
const SEGMENT_AND_LINKABLE_MASK = 0xff_ffff;

interface Shape {
  readonly key: string;
  /** Table index of its code, 0 none. */
  place: number;
  /** Blocks that wait for it. */
  readonly waiting: Set<Block>;
}

/** What shapes need of the translator. */
export interface ShapeTools {
  /** Table indices of functions that blocks of the same shapes can share, one each. */
  compile(blocks: readonly Block[]): number[];
  /** Has a block executed by a function. */
  install(block: Block, place: number): void;
  /** Records of a block, its tail's included; 0 where its code cannot be shared. */
  recordsOf(block: Block): number;
  /** Changes when the numbers of handlers come to mean others. */
  generation(): number;
}

export class Shapes {
  /** Shapes with code. */
  made = 0;
  private readonly shapes = new Map<string, Shape>();
  private readonly waitsFor = new Map<Block, Shape>();
  /** Blocks that came since shapes were made last, of shapes that enough wait for. */
  private ready = 0;

  /** @param words linear memory. */
  constructor(
    private readonly words: Int32Array,
    private readonly policy: SharingPolicy,
    private readonly tools: ShapeTools,
  ) {}

  /** Gives a block its shape's code, or has it wait for that. */
  share(block: Block): void {
    const records = this.tools.recordsOf(block);
    if (records === 0) return;
    const key = this.keyOf(block, records);
    let shape = this.shapes.get(key);
    if (shape === undefined) {
      shape = { key, place: 0, waiting: new Set() };
      this.shapes.set(key, shape);
    }
    if (shape.place !== 0) {
      this.tools.install(block, shape.place);
      return;
    }
    shape.waiting.add(block);
    this.waitsFor.set(block, shape);
    const { leastBlocks, batchBlocks } = this.policy;
    if (shape.waiting.size >= leastBlocks && ++this.ready >= batchBlocks) this.make();
  }

  /** A block is no more, or has better code. */
  drop(block: Block): void {
    const shape = this.waitsFor.get(block);
    if (shape === undefined) return;
    this.waitsFor.delete(block);
    shape.waiting.delete(block);
    if (shape.place === 0 && shape.waiting.size === 0) this.shapes.delete(shape.key);
  }

  private make(): void {
    this.ready = 0;
    const shapes = new Set(this.waitsFor.values());
    const chosen = [...shapes]
      .filter(({ waiting }) => waiting.size >= this.policy.leastBlocks)
      .slice(0, MOST_SHAPES - this.made);
    if (chosen.length === 0) return;
    const places = this.tools.compile(chosen.map(({ waiting }) => [...waiting][0]!));
    this.made += chosen.length;
    chosen.forEach((shape, index) => {
      shape.place = places[index]!;
      for (const block of shape.waiting) {
        this.tools.install(block, shape.place);
        this.waitsFor.delete(block);
      }
      shape.waiting.clear();
    });
  }

  /** What the block's code depends on: equal blocks are executed by the same function. */
  private keyOf({ header, mode }: Block, records: number): string {
    const { words } = this;
    let key = `${this.tools.generation()},${mode}`;
    for (let number = 1; number <= records; number++) {
      const record = (header + number * RECORD_BYTES) >> 2;
      for (const word of FIRST_WORDS) key += `,${words[record + word]!}`;
      key += `,${words[record + SCALE_AND_LENGTH]! & SCALE_AND_LENGTH_MASK}`;
      key += `,${words[record + SEGMENT_AND_LINKABLE]! & SEGMENT_AND_LINKABLE_MASK}`;
    }
    return key;
  }
}
