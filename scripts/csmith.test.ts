/** csmith's programs compute on the machine what they compute on the processor. Skipped, with the reason, without the tools. */
import { describe, expect, it } from "vitest";
import { checkSeed, missingTool, WIDTHS } from "./csmith.mjs";

/** Programs that end soon; `node scripts/csmith.mjs` runs more. One is compiled without optimization: other instructions. */
const PROGRAMS = [
  [1, "2"],
  [2, "0"],
  [3, "3"],
] as const;
const TIMEOUT_MS = 120_000;

const missing = await missingTool();
if (missing !== undefined) console.log(`skipped: csmith's programs: ${missing}`);

describe.runIf(missing === undefined).each(WIDTHS)("%i bits", (width) => {
  it.each(PROGRAMS)(
    "seed %i, -O%s, has the processor's checksum on both engines",
    async (seed, optimize) => {
      expect(await checkSeed(seed, width, optimize)).toBe("ok");
    },
    TIMEOUT_MS,
  );
});
