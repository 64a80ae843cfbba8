/**
 * What shadows keep when the guest loads CR3, and how many entries one fault fills: the guest is the same, the hidden faults are
 * fewer.
 */
import { expect, it } from "vitest";
import { EXIT } from "../../../events/exit-reasons.js";
import * as kernel from "../../../guest/mini-kernel/benchmark.js";
import * as benchmarks from "../../../guest/mini-kernel/cases.js";
import { makeBinaryTranslation } from "../../binary-translation/computer.js";
import {
  countsOf,
  type Engine,
  endingOf,
  imageGuest,
  native,
  optionsOf,
  translationOf,
} from "../../testing/code-guests.js";

/** Several address spaces, with a kernel that maps itself globally. */
const CASE = benchmarks.CASES.find(({ name }) => name === "context-switch")!;
const LINE = kernel.commandLine(CASE.benchmark.name, benchmarks.caseValues(CASE, "tiny"));
const GUEST = imageGuest(`mini-kernel/${kernel.imageFile(32)}`, LINE);

interface Policy {
  readonly reuse: boolean;
  readonly keepGlobal?: boolean;
  readonly prefetch?: number;
}

/** Hidden faults of the guest, which ends as it does natively, alike in both engines. */
function hiddenFaults(policy: Policy): number {
  const truth = endingOf(native(GUEST), GUEST);
  const runs = (["interpreter", "translator"] satisfies Engine[]).map((engine) => {
    const options = translationOf(optionsOf(GUEST, engine));
    const computer = makeBinaryTranslation({ ...options, shadow: { ...options.shadow, ...policy } });
    expect(endingOf(computer, GUEST)).toEqual(truth);
    expect(computer.machine.counters.totalCycles).toBe(computer.engine.now());
    return { counts: countsOf(computer), hidden: computer.machine.counters.exits[EXIT.page_fault_hidden]! };
  });
  expect(runs[0]).toEqual(runs[1]);
  return runs[0]!.hidden;
}

it("nothing is filled again where all shadows are kept, the programs' part where the global is, all where nothing is", () => {
  const kept = hiddenFaults({ reuse: true });
  const global = hiddenFaults({ reuse: false, keepGlobal: true });
  const none = hiddenFaults({ reuse: false });
  expect(kept).toBeLessThan(global);
  expect(global).toBeLessThan(none);
});

it("a fault that fills its neighbours spares theirs", () => {
  const policy = { reuse: false, keepGlobal: true };
  expect(hiddenFaults({ ...policy, prefetch: 8 })).toBeLessThan(hiddenFaults(policy));
});
