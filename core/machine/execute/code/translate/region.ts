/**
 * What is translated at once: a region, blocks of one page that reach one another by direct branches, entered at one block
 * only. Its control flow is put into WebAssembly's blocks and loops by way of its dominator tree (Ramsey, Beyond Relooper,
 * ICFP 2022); an edge that would make it irreducible leaves the region instead.
 */

import { MODE } from "../../../cpu/state.js";
import type { Block, CodeCache } from "../code-cache.js";
import type { Handlers } from "../handlers.js";

/** Blocks and instructions of a region at most. */
const MOST_BLOCKS = 40;
const MOST_INSTRUCTIONS = 320;

/** Where a block may go on: at the target of its last instruction's relative operand, or at the next instruction. */
export type EdgeName = "target" | "next";

export interface RegionNode {
  readonly block: Block;
  /** Place in reverse postorder: 0 is the entry. */
  order: number;
  readonly edges: Partial<Record<EdgeName, RegionNode>>;
  dominator: RegionNode | undefined;
  /** Nodes that this one dominates at once and that several forward edges reach, last in order first. */
  readonly merges: RegionNode[];
  isMerge: boolean;
  isLoop: boolean;
}

/** The region that a block begins, in reverse postorder. */
export function findRegion(entry: Block, cache: CodeCache, handlers: Handlers): RegionNode[] {
  const nodes = collect(entry, cache, handlers);
  const ordered = inReversePostorder(nodes.get(entry)!);
  findDominators(ordered);
  for (const node of ordered) {
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to !== undefined && to.order <= node.order && !dominates(to, node)) delete node.edges[name];
    }
  }
  for (const node of ordered) {
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to === undefined) continue;
      if (to.order <= node.order) to.isLoop = true;
      else if (to.dominator !== node || isReachedTwice(to, ordered)) to.isMerge = true;
    }
  }
  for (const node of [...ordered].reverse()) if (node.isMerge) node.dominator!.merges.push(node);
  return ordered;
}

const EDGES: readonly EdgeName[] = ["target", "next"];

function isReachedTwice(to: RegionNode, nodes: readonly RegionNode[]): boolean {
  let count = 0;
  for (const { edges, order } of nodes) {
    for (const name of EDGES) if (edges[name] === to && order < to.order) count++;
  }
  return count > 1;
}

function collect(entry: Block, cache: CodeCache, handlers: Handlers): Map<Block, RegionNode> {
  const nodes = new Map<Block, RegionNode>();
  const waiting = [entry];
  let instructions = 0;
  const nodeOf = (block: Block): RegionNode | undefined => {
    const known = nodes.get(block);
    if (known !== undefined) return known;
    if (nodes.size >= MOST_BLOCKS || instructions + block.instructions.length > MOST_INSTRUCTIONS)
      return undefined;
    instructions += block.instructions.length;
    const node: RegionNode = {
      block,
      order: -1,
      edges: {},
      dominator: undefined,
      merges: [],
      isMerge: false,
      isLoop: false,
    };
    nodes.set(block, node);
    waiting.push(block);
    return node;
  };
  nodeOf(entry);
  for (let at = 1; at < waiting.length; at++) {
    const block = waiting[at]!;
    const node = nodes.get(block)!;
    for (const [name, place] of placesAfter(block, handlers)) {
      const next = cache.find(block.frame, place, block.mode);
      if (next === undefined || !isTranslatable(next)) continue;
      const to = nodeOf(next);
      if (to !== undefined) node.edges[name] = to;
    }
  }
  return nodes;
}

/** Whether a block can be part of a translation: flat code of 32 or 64 bits, within its page. */
export function isTranslatable({ mode, instructions, crosses }: Block): boolean {
  const excluded = MODE.singleStep | MODE.alignmentCheck;
  return (
    (mode & MODE.flatCode) !== 0 &&
    (mode & excluded) === 0 &&
    (mode & MODE.codeSize) !== 0 &&
    !crosses &&
    instructions.length > 0
  );
}

/** Places in the page where a block may go on. */
function placesAfter(block: Block, handlers: Handlers): [EdgeName, number][] {
  const places: [EdgeName, number][] = [];
  const end = block.instructions.reduce((at, { length }) => at + length, block.pageOffset);
  const last = block.instructions.at(-1)!;
  const relative = last.operands.find(({ kind }) => kind === "relative");
  if (relative?.kind === "relative" && last.operandSize !== 2) {
    const target = end + relative.displacement;
    if (target >= 0 && target < 4096) places.push(["target", target]);
  }
  const isConditional = relative !== undefined && !UNCONDITIONAL.has(last.row.mnemonic);
  if ((isConditional || !handlers.ends(last)) && end < 4096) places.push(["next", end]);
  return places;
}

const UNCONDITIONAL: ReadonlySet<string> = new Set(["JMP", "CALL"]);

function inReversePostorder(entry: RegionNode): RegionNode[] {
  const finished: RegionNode[] = [];
  const seen = new Set<RegionNode>();
  const visit = (node: RegionNode): void => {
    seen.add(node);
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to !== undefined && !seen.has(to)) visit(to);
    }
    finished.push(node);
  };
  visit(entry);
  finished.reverse();
  finished.forEach((node, order) => {
    node.order = order;
  });
  return finished;
}

/** Immediate dominators (Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, 2001). */
function findDominators(nodes: readonly RegionNode[]): void {
  const before = new Map<RegionNode, RegionNode[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const name of EDGES) before.get(node.edges[name] ?? node)?.push(node);
  const entry = nodes[0]!;
  entry.dominator = entry;
  const meet = (a: RegionNode, b: RegionNode): RegionNode => {
    let [left, right] = [a, b];
    while (left !== right) {
      while (left.order > right.order) left = left.dominator!;
      while (right.order > left.order) right = right.dominator!;
    }
    return left;
  };
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false;
    for (const node of nodes.slice(1)) {
      let found: RegionNode | undefined;
      for (const from of before.get(node)!) {
        if (from === node || from.dominator === undefined) continue;
        found = found === undefined ? from : meet(found, from);
      }
      if (found !== undefined && node.dominator !== found) {
        node.dominator = found;
        hasChanged = true;
      }
    }
  }
}

function dominates(node: RegionNode, other: RegionNode): boolean {
  let at = other;
  while (at.order > node.order) at = at.dominator!;
  return at === node;
}
