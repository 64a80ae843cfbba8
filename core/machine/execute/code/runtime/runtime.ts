/**
 * What interpreter and translated code share at run time, as one WebAssembly module made for a machine: memory accesses
 * of a guest (segmentation, modelled TLB, page faults, devices), and the way from one block of code to the next.
 *
 * An access gives the host address where the bytes are, or 0 when it faulted. Where they are not in one piece of ordinary
 * memory (a page is crossed, a device, a page with decoded code), that is the bounce buffer: loads find the bytes there,
 * and what was stored there is carried to its place by `commit`.
 */
import type { Machine } from "../../../machine.js";
import { ModuleBuilder, type ModuleExports } from "../../../wasm/module.js";
import {
  defineCommit,
  defineFromRegion,
  defineLimited,
  defineLinear,
  defineOther,
  defineSegment,
} from "./access.js";
import type { RuntimeImports } from "./contract.js";
import { defineDecodeLines } from "./decoded-lines.js";
import { defineDispatch, defineExecute, defineFetch, defineRun } from "./dispatch.js";
import { defineEnter } from "./enter.js";
import { defineFlags, defineNoteFlags } from "./flag-state.js";
import { RuntimeParts } from "./parts.js";
import { defineSlow } from "./slow-access.js";
import { defineFrameOf, defineInvalidate, defineSlotFunctions } from "./translation.js";

/** Makes the runtime of a machine. */
export function makeRuntime(
  machine: Machine,
  imports: RuntimeImports,
  table: WebAssembly.Table,
): ModuleExports {
  const module = new ModuleBuilder();
  const readDevice = module.importFunction("readDevice", { parameters: [] });
  const commitDevice = module.importFunction("commitDevice", { parameters: [] });
  module.importTable();
  const parts = new RuntimeParts(machine, module);
  defineSlotFunctions(parts);
  defineFrameOf(parts);
  const slow = defineSlow(parts, readDevice);
  const linear = defineLinear(parts, slow);
  defineLimited(parts, defineSegment(parts, linear));
  defineFromRegion(parts, slow);
  defineOther(parts, linear);
  defineCommit(parts, commitDevice);
  defineInvalidate(parts);
  defineFlags(parts);
  defineNoteFlags(parts);
  defineFetch(parts);
  const dispatch = defineDispatch(parts);
  defineEnter(parts, defineDecodeLines(parts));
  defineExecute(parts);
  defineRun(parts, dispatch);
  return module.instantiate({ memory: machine.memory, functions: { ...imports }, table });
}
