/** The parts of core/machine/testing/vectors/ that recorder and tests share, imported from TypeScript. */
import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);

const VECTORS = "../../core/machine/testing/vectors";

export const { codeBase, dataBase, ES_OFFSET, LOCAL_SEGMENTS, stackBase } = await import(
  `${VECTORS}/environment.ts`
);
export const { differences, formatDifferences } = await import(`${VECTORS}/delta.ts`);
export const { formatFault, settle } = await import(`${VECTORS}/outcome.ts`);
export const { FORMAT, NOTHING, parseCode, readCases, setUp } = await import(`${VECTORS}/reader.ts`);
export const {
  CODE_WINDOW,
  DATA_WINDOW,
  MachineState,
  MEMORY_WINDOWS,
  REGISTER_BYTES,
  STACK_WINDOW,
  WINDOW_MIDDLE,
} = await import(`${VECTORS}/state.ts`);
export const { Random } = await import("../../core/util/random.ts");
