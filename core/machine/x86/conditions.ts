/** The sixteen conditions of Jcc, SETcc and CMOVcc (Intel SDM vol. 2, B.1.4.7; vol. 1, appendix B). */
import { FLAG } from "./flags.js";

const { CF, PF, ZF, SF, OF } = FLAG;

/** In order of their code; an odd code is the negation of the even one before it. */
export const CONDITIONS = [
  { name: "o", aliases: [], flags: OF },
  { name: "no", aliases: [], flags: OF },
  { name: "b", aliases: ["c", "nae"], flags: CF },
  { name: "ae", aliases: ["nc", "nb"], flags: CF },
  { name: "e", aliases: ["z"], flags: ZF },
  { name: "ne", aliases: ["nz"], flags: ZF },
  { name: "be", aliases: ["na"], flags: CF | ZF },
  { name: "a", aliases: ["nbe"], flags: CF | ZF },
  { name: "s", aliases: [], flags: SF },
  { name: "ns", aliases: [], flags: SF },
  { name: "p", aliases: ["pe"], flags: PF },
  { name: "np", aliases: ["po"], flags: PF },
  { name: "l", aliases: ["nge"], flags: SF | OF },
  { name: "ge", aliases: ["nl"], flags: SF | OF },
  { name: "le", aliases: ["ng"], flags: ZF | SF | OF },
  { name: "g", aliases: ["nle"], flags: ZF | SF | OF },
] as const satisfies readonly { name: string; aliases: readonly string[]; flags: number }[];
