/** Instructions of the floating-point units that TypeScript executes, by mnemonic; for the system unit. */
import type { Instruction } from "../x86/instruction.js";
import type { Core } from "./core.js";
import { SSE_STATE } from "./fxsave.js";
import { EXACT_SSE } from "./sse.js";
import { X87_INSTRUCTIONS } from "./x87.js";

export const FLOATING_POINT: Readonly<Record<string, (core: Core, instruction: Instruction) => void>> = {
  ...X87_INSTRUCTIONS,
  ...SSE_STATE,
  ...EXACT_SSE,
};
