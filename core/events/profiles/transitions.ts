/**
 * The prices of a hardware VM exit and entry. What is published for most cores is the round trip alone
 * (Agesen et al. 2012, Table 1: exit and entry with no monitor work between). Its split follows Adams &
 * Agesen 2006, Table 1, which measured both halves on two cores:
 *
 *      Pentium 4 672    entry 2409   page-fault exit 1931     exit is 44% of the sum
 *      Core 2 Duo       entry  937   page-fault exit 1186     exit is 56% of the sum
 *
 * (as cited). Those sums are above Agesen's round trips for the same cores (3963 and 1579): a page fault
 * takes more than the cheapest exit, which is a price of its own (page_fault). The round trip is kept exact
 * here and the range of each half reaches the larger figures.
 */
import type { Constant } from "../profile.js";
import { SOURCES } from "./sources.js";

export interface Transitions {
  readonly vm_exit: Constant;
  readonly vm_entry: Constant;
}

const EXIT_SHARE = { netburst: 1931 / (1931 + 2409), core: 1186 / (1186 + 937) } as const;

/**
 * A published round trip, in cycles, split into exit and entry: the two add up to it exactly.
 * @param id the figure's short name, e.g. agesen12-rt-nehalem.
 */
export function splitRoundTrip(cycles: number, id: string, core: keyof typeof EXIT_SHARE): Transitions {
  const source = `${SOURCES.agesen2012} ${cycles} (${id}), split as ${SOURCES.adams2006}, Table 1`;
  const exit = Math.round(cycles * EXIT_SHARE[core]);
  return { vm_exit: half(exit, source, cycles), vm_entry: half(cycles - exit, source, cycles) };
}

/**
 * A round trip that nobody published for this core.
 * @param range least and greatest plausible round trip, cycles.
 */
export function assumedRoundTrip(cycles: number, why: string, range: readonly [number, number]): Transitions {
  const exit = Math.round(cycles * EXIT_SHARE.core);
  const part = (value: number): Constant => ({
    value,
    source: `${why}; split as ${SOURCES.adams2006}, Table 1`,
    range: [Math.round((range[0] * value) / cycles), Math.round((range[1] * value) / cycles)],
    assumed: true,
  });
  return { vm_exit: part(exit), vm_entry: part(cycles - exit) };
}

function half(value: number, source: string, roundTrip: number): Constant {
  return { value, source, range: [Math.round(roundTrip * 0.4), Math.round(roundTrip * 0.76)] };
}
