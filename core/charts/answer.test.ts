/** The answer sentence: right means, honest about losses and gaps. */
import { describe, expect, it } from "vitest";
import type { Row } from "../scenario/scenario.js";
import { answerOf } from "./answer.js";

const row = (technique: string, workload: string, slowdown: number | "", status = "done"): Row => ({
  technique,
  workload,
  status,
  slowdown,
});
const context = { axes: ["technique", "workload"], baseline: { technique: "native" }, expectations: [] };

describe("answerOf", () => {
  it("ranks by geometric mean and says where the best loses", () => {
    const rows = [
      row("native", "a", 1),
      row("native", "b", 1),
      row("shadow", "a", 1),
      row("shadow", "b", 16),
      row("nested", "a", 1.5),
      row("nested", "b", 1.5),
    ];
    expect(answerOf(rows, context)).toEqual([
      "Against native, nested costs least: 1.50×; shadow 4.00× (geometric mean over the 2 cases that all finished).",
      "It loses on a (1.50×, shadow 1.00×).",
      "Least by workload: a shadow, b nested.",
    ]);
  });

  it("compares only where all finished", () => {
    const rows = [
      row("shadow", "a", 2),
      row("shadow", "b", 1),
      row("nested", "a", 3),
      row("nested", "b", "", "unsupported"),
    ];
    const text = answerOf(rows, context).join(" ");
    expect(text).toContain(
      "shadow costs least: 2.00×; nested 3.00× (geometric mean over the 1 case that all finished)",
    );
    expect(text).toContain("Left out of this: 1 case that only some finished.");
    expect(text).toContain("Of 4 cells, 1 unsupported.");
  });

  it("does not rank what never meets", () => {
    expect(answerOf([row("shadow", "a", 2), row("nested", "b", 3)], context)[0]).toMatch(
      /^Slowdown goes from/,
    );
  });

  it("names values as one does within a sentence", () => {
    const at = (page: string, host_page: string, slowdown: number): Row => ({
      page,
      host_page,
      status: "done",
      slowdown,
    });
    const rows = [at("4K", "4K", 1), at("2M", "4K", 0.9), at("1G", "4K", 0.8)];
    const axes = ["page", "host_page"];
    const [first] = answerOf(rows, { ...context, axes, baseline: { page: "4K", host_page: "4K" } });
    expect(first).toMatch(/^Against 4K pages, host page 4K, 1G costs least: 0.8×; 2M 0.9×/);
  });

  it("has no answer without cells", () => {
    expect(answerOf([row("shadow", "a", "", "failed")], context)[0]).toBe(
      "No cell is done, so there is no answer.",
    );
    const rows = ["no EPT", "no VT-x", "no EPT"].map((reason) => ({ status: "unsupported", reason }));
    expect(answerOf(rows, context).slice(1, 3)).toEqual(["Why: no EPT (2 cells).", "Why: no VT-x (1 cell)."]);
  });

  it("tells of failed expectations", () => {
    const verdict = { text: "", where: "", rows: 1, reason: "", failures: [] };
    const expectations = [
      { ...verdict, passed: true, skipped: false },
      { ...verdict, passed: false, skipped: false },
    ];
    expect(answerOf([row("shadow", "a", 1)], { ...context, expectations })).toContain(
      "1 of 2 expectations failed.",
    );
  });
});
