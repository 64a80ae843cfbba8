/** Guests that are code on a machine without a TLB (`machine.tlb: false`): nothing that was translated is found again without a walk. */
import { describe, expect, test } from "vitest";
import type { CellOutcome } from "../config.js";
import { loadScenario, planScenario } from "../index.js";
import { runCell } from "../run-cell.js";

function valuesOf(technique: string, workload: string, sets: readonly string[]): CellOutcome["values"] {
  const text = `technique: ${technique}\nworkload: { name: ${workload}, bits: 32, n: 20 }\nmachine: { tlb: false }\nsize: tiny\n`;
  const scenario = loadScenario({ text, path: "no-tlb.yaml", isRecord: true }, { sets: [...sets] });
  const { status, reason, values } = runCell(planScenario(scenario).cells[0]!.config);
  expect(status, reason).toBe("done");
  return values;
}

describe("without a TLB", () => {
  test("every access and fetch walks, whether data caches are modelled or not, in both engines", () => {
    const walks = ["off", "all"].flatMap((caches) =>
      ["translator", "interpreter"].map(
        (engine) =>
          valuesOf("native", "kernel/pgfault", [`machine.caches=${caches}`, `machine.engine=${engine}`])[
            "walks"
          ],
      ),
    );
    expect(new Set(walks).size).toBe(1);
    // A mended fault is some tens of references.
    expect(walks[0]).toBeGreaterThan(20 * 10);
  });

  // Each store to a page table is emulated through a mapping that is there for that one instruction.
  test.each(["hardware/shadow", "binary-translation/shadow", "trap-and-emulate/shadow", "hardware/nested"])(
    "a change of a page table is seen under %s as natively",
    (technique) => {
      const sets = [
        "machine.caches=off",
        ...(technique.endsWith("shadow") ? ["shadow.outOfSync=false"] : []),
      ];
      const fingerprint = valuesOf(technique, "kernel/pgfault", sets)["fingerprint"];
      expect(fingerprint).toBe(valuesOf("native", "kernel/pgfault", ["machine.caches=off"])["fingerprint"]);
    },
  );
});
