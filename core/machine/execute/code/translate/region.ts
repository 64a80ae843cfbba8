/**
 * What is translated at once: a region, blocks that reach one another by direct branches and calls, entered at one block
 * only. A near return goes on inside where it returns to a call of the region. Blocks may lie in several pages; going
 * from one to another is a fetch through the TLB like any other (region-emitter.ts).
 *
 * The control flow is put into WebAssembly's blocks and loops by way of the dominator tree (Ramsey, Beyond Relooper, ICFP
 * 2022); an edge that would make it irreducible leaves the region instead.
 */
import { MODE } from "../../../cpu/state.js";
import type { Block, CodeCache } from "../code-cache.js";
import type { Handlers } from "../handlers.js";
import { WARM } from "../runtime/contract.js";

/** Blocks and instructions of a region at most. */
const MOST_BLOCKS = 64;
const MOST_INSTRUCTIONS = 400;
/** Blocks entered less often than this stay outside: a quarter of Linux's translated code would hardly ever run. */
export const LUKEWARM = WARM / 4;

/** Where a block may go on: its relative operand's target, the next instruction, or after a call of the region. */
export const EDGES = ["target", "next", "return0", "return1", "return2"] as const;
export type EdgeName = (typeof EDGES)[number];
const RETURNS = ["return0", "return1", "return2"] as const;

export interface RegionNode {
  readonly block: Block;
  /** Pages from the entry's page to this one's, in linear addresses. */
  readonly page: number;
  /** Place in reverse postorder: 0 is the entry. */
  order: number;
  readonly edges: Partial<Record<EdgeName, RegionNode>>;
  dominator: RegionNode | undefined;
  /** Nodes that this one dominates at once and that several forward edges reach, last in order first. */
  readonly merges: RegionNode[];
  isMerge: boolean;
  isLoop: boolean;
}

/** A region's nodes, the entry's first. */
export type Region = readonly [RegionNode, ...RegionNode[]];

/** Finds the frame of the code page so many pages after the entry's; -1 if that is not known without a walk. */
export type FrameOfPage = (page: number) => number;

/** The region that a block begins, in reverse postorder. */
export function findRegion(entry: Block, cache: CodeCache, handlers: Handlers, frameOf: FrameOfPage): Region {
  const ordered = inReversePostorder(collect(entry, cache, handlers, frameOf));
  findDominators(ordered);
  for (const node of ordered) {
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to !== undefined && to.order <= node.order && !dominates(to, node)) delete node.edges[name];
    }
  }
  const forward = new Map<RegionNode, number>();
  for (const node of ordered) {
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to === undefined) continue;
      if (to.order <= node.order) to.isLoop = true;
      else forward.set(to, (forward.get(to) ?? 0) + 1);
    }
  }
  for (const node of [...ordered].reverse()) {
    node.isMerge = (forward.get(node) ?? 0) > 1;
    if (node.isMerge) node.dominator!.merges.push(node);
  }
  const [first, ...others] = ordered;
  return [first!, ...others];
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

/** A block alone, with no edges. */
export function loneRegion(block: Block): Region {
  const node = makeNode(block, 0);
  node.order = 0;
  return [node];
}

/** Follows edges from the entry through blocks that are decoded. Returns the entry's node. */
function collect(entry: Block, cache: CodeCache, handlers: Handlers, frameOf: FrameOfPage): RegionNode {
  // By page and place: one frame may be seen in several pages.
  const nodes = new Map<number, RegionNode>();
  const waiting: RegionNode[] = [];
  const returnSites: RegionNode[] = [];
  const returning: RegionNode[] = [];
  let instructions = 0;
  const nodeAt = (place: number): RegionNode | undefined => {
    const known = nodes.get(place);
    if (known !== undefined) return known;
    const page = Math.floor(place / 4096);
    const frame = page === 0 ? entry.frame : frameOf(page);
    const block = frame < 0 ? undefined : cache.find(frame, place - page * 4096, entry.mode);
    if (block === undefined || !isTranslatable(block)) return undefined;
    if (block !== entry && cache.heatOf(block) < LUKEWARM) return undefined;
    if (nodes.size >= MOST_BLOCKS || instructions + block.instructions.length > MOST_INSTRUCTIONS)
      return undefined;
    instructions += block.instructions.length;
    const node = makeNode(block, page);
    nodes.set(place, node);
    waiting.push(node);
    return node;
  };
  const first = nodeAt(entry.pageOffset)!;
  for (let at = 0; at < waiting.length; at++) {
    const node = waiting[at]!;
    const { target, next, afterCall, isReturn } = wayOn(node.block, handlers);
    const origin = node.page * 4096;
    const connect = (name: EdgeName, place: number | undefined): RegionNode | undefined => {
      const to = place === undefined ? undefined : nodeAt(origin + place);
      if (to !== undefined) node.edges[name] = to;
      return to;
    };
    const callee = connect("target", target);
    connect("next", next);
    if (isReturn) returning.push(node);
    if (afterCall !== undefined && callee !== undefined && returnSites.length < RETURNS.length) {
      const site = nodeAt(origin + afterCall);
      if (site !== undefined) returnSites.push(site);
    }
  }
  for (const node of returning) {
    returnSites.forEach((site, index) => {
      node.edges[RETURNS[index]!] = site;
    });
  }
  return first;
}

const makeNode = (block: Block, page: number): RegionNode => ({
  block,
  page,
  order: -1,
  edges: {},
  dominator: undefined,
  merges: [],
  isMerge: false,
  isLoop: false,
});

interface WayOn {
  /** Places, counted from the first byte of the block's page. */
  readonly target?: number;
  readonly next?: number;
  readonly afterCall?: number;
  readonly isReturn?: boolean;
}

function wayOn(block: Block, handlers: Handlers): WayOn {
  const end = block.instructions.reduce((at, { length }) => at + length, block.pageOffset);
  const last = block.instructions.at(-1)!;
  if (!handlers.ends(last)) return { next: end };
  if (last.operandSize === 2) return {};
  if (last.row.mnemonic === "RET") return { isReturn: true };
  const relative = last.operands.find(({ kind }) => kind === "relative");
  if (relative?.kind !== "relative") return {};
  const target = end + relative.displacement;
  if (last.row.mnemonic === "JMP") return { target };
  return last.row.mnemonic === "CALL" ? { target, afterCall: end } : { target, next: end };
}

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
  for (const node of nodes) {
    for (const name of EDGES) {
      const to = node.edges[name];
      if (to !== undefined) before.get(to)!.push(node);
    }
  }
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
        if (from.dominator !== undefined) found = found === undefined ? from : meet(found, from);
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
