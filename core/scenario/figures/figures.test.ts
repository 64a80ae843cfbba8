/** Figures beside published ones: what is selected, compared, refused, and what expectations may say of it. */
import { expect, test } from "vitest";
import { UserError } from "../../util/errors.js";
import type { CellOutcome } from "../config.js";
import { rowsOf } from "../row.js";
import { checkExpectations, checkOrderings, figuresOf } from "../run.js";
import type { ExpectationResult, OrderingResult, Row } from "../scenario.js";
import { fakeRun, planFrom, TEST_CATALOGUE } from "../testing/catalogue.js";
import { readPublished } from "./published.js";
import { figureRows } from "./rows.js";

/** The made-up run costs thrice as much under shadow paging as natively. */
const TEXT = `
matrix: { technique: [native, hardware/shadow, hardware/nested], workload: [gups, forkwait] }
baseline: { technique: native }
`;
const NATIVE = "technique == 'native' and workload == 'gups'";
const SHADOW = "technique == 'hardware/shadow' and workload == 'gups'";

interface Judged {
  readonly figures: readonly Row[];
  readonly expectations: readonly ExpectationResult[];
  readonly orderings: readonly OrderingResult[];
}

function judged(text: string, change: (id: string) => CellOutcome | undefined = () => undefined): Judged {
  const plan = planFrom(TEXT + text);
  const outcomes = new Map(plan.cells.map(({ id, config }) => [id, change(id) ?? fakeRun(config)]));
  const rows = rowsOf(plan, outcomes);
  return {
    figures: figureRows(figuresOf(plan, rows, TEST_CATALOGUE)),
    expectations: checkExpectations(plan, rows, TEST_CATALOGUE),
    orderings: checkOrderings(plan, rows, TEST_CATALOGUE),
  };
}

function complaint(text: string): string {
  try {
    judged(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  return "accepted";
}

const entry = (fields: Record<string, unknown>): string => `figures: [${JSON.stringify(fields)}]`;

test("a value, its error and its factor", () => {
  const value = "cycles * 0 + 6418";
  const [row] = judged(entry({ published: "adams06-nano-in-native", value, where: NATIVE })).figures;
  expect(row).toMatchObject({
    published: 3209,
    ours: 6418,
    unit: "cycles",
    error: 1,
    factor: 2,
    basis: "predicted",
  });
});

test("a ratio to another published figure, and ours to another row", () => {
  const over = { published: "adams06-nano-in-native", where: NATIVE };
  const [row] = judged(
    entry({ published: "adams06-nano-in-hw-vmm", value: "cycles", where: SHADOW, over }),
  ).figures;
  expect(row).toMatchObject({
    figure: "adams06-nano-in-hw-vmm / adams06-nano-in-native",
    published: 15826 / 3209,
    ours: 3,
    unit: "ratio",
  });
});

test("a published ratio beside ours of two rows", () => {
  const over = { where: NATIVE };
  const [row] = judged(
    entry({ published: "adams06-nano-in-sw-ratio", value: "cycles", where: SHADOW, over }),
  ).figures;
  expect(row).toMatchObject({ published: 15, ours: 3, factor: 5 });
});

test.each([
  ["3", 0, 1],
  ["12", 1, 2],
  ["1", -0.5, 2],
])("a range, and %s of ours: an error to its nearest end", (value, error, factor) => {
  const [row] = judged(entry({ published: "ept09-class-gain", value, where: NATIVE })).figures;
  expect(row).toMatchObject({ published: 2, published_to: 6, error, factor });
});

test("`as` changes what is compared: percent as a ratio", () => {
  const as = "1 + published / 100";
  const [row] = judged(entry({ published: "gregg17-emul", value: "1", where: NATIVE, as })).figures;
  expect(row).toMatchObject({ published: 1.02, published_to: 1.1, unit: "ratio" });
});

test("aggregates speak of all rows that `where` selects", () => {
  const fields = {
    published: "adams06-nano-in-native",
    value: "highest(cycles) / lowest(cycles)",
    where: "workload == 'gups'",
  };
  expect(judged(entry(fields)).figures[0]).toMatchObject({ ours: 3 });
});

test("what is fitted or outside of the model says so", () => {
  const text = `figures:
  - { published: adams06-nano-in-native, value: cycles, where: "${NATIVE}", fitted: [costs.vm_exit, costs.vm_entry] }
  - { published: [adams06-nano-ptemod-native, adams06-nano-pgfault-native], outside: no such benchmark }`;
  const { figures } = judged(text);
  expect(figures.map(({ basis }) => basis)).toEqual(["fitted", "outside", "outside"]);
  expect(figures[0]).toMatchObject({ fitted: "costs.vm_exit costs.vm_entry" });
  expect(figures[1]).toMatchObject({
    status: "outside",
    reason: "no such benchmark",
    ours: "",
    factor: "",
    published: 1,
  });
});

test("a row that did not finish leaves its figure missing, with the reason", () => {
  const failed: CellOutcome = { status: "failed", reason: "triple fault", values: {}, exits: [] };
  const { figures } = judged(
    entry({ published: "adams06-nano-in-native", value: "cycles", where: NATIVE }),
    () => failed,
  );
  expect(figures[0]).toMatchObject({ status: "missing", ours: "" });
  expect(figures[0]!["reason"]).toContain("triple fault");
});

test.each([
  [entry({ published: "adams06-nano-im-native", value: "1" }), 'did you mean "adams06-nano-in-native"?'],
  [entry({ published: "adams06-nano-in-native", value: "cycles" }), "6 rows are selected, and one is needed"],
  [
    entry({ published: "adams06-nano-in-native", value: "cycles", where: "technique == 'x'" }),
    "selects no row",
  ],
  [entry({ published: "adams06-nano-in-native", value: "cycels", where: NATIVE }), 'did you mean "cycles"?'],
  [entry({ published: "adams06-nano-in-native", value: "higest(cycles)" }), 'did you mean "highest"?'],
  [entry({ published: "adams06-nano-in-native", value: "1", as: "1 + publishd" }), "there is no publishd"],
  [entry({ published: "adams06-nano-in-native", value: "1", over: {} }), "`over` names nothing"],
  [entry({ published: "adams06-nano-in-native", valeu: "1" }), 'did you mean "value"?'],
  [
    entry({ published: "adams06-nano-in-native", value: "1", fitted: ["costs.vm_exitt"] }),
    "there is no constant costs.vm_exitt\n  did you mean costs.vm_exit",
  ],
  [
    entry({ published: "adams06-nano-in-native", value: "1", fitted: ["parameters.processes"] }),
    "test.yaml:4:71: there is no constant parameters.processes",
  ],
  [
    "figures: [{published: adams06-nano-in-native, outside: no}, {published: adams06-nano-in-native, outside: no}]",
    "given twice",
  ],
  [
    "expect: [{ figures: 'bsis == 1' }]\nfigures: [{ published: adams06-nano-in-native, value: '1', where: \"technique == 'native' and workload == 'gups'\" }]",
    'did you mean "basis"?',
  ],
  ["expect: [{ claim: cpu-66, expect: 'cycles > 0' }]", 'did you mean "cpu-6"?'],
])("refused: %s", (text, words) => {
  expect(complaint(text)).toContain(words);
});

test("expectations speak of figures: predictions, not what is outside", () => {
  const text = `figures:
  - { published: adams06-nano-in-native, value: "3000", where: "${NATIVE}" }
  - { published: adams06-nano-ptemod-native, outside: no such benchmark }
expect:
  - { figures: "highest(factor) < 1.1" }
  - { figures: "factor < 1.01 where basis == 'predicted'" }
  - { figures: "count(basis == 'outside') == 1", claim: cpu-6 }`;
  const { expectations } = judged(text);
  expect(expectations.map(({ passed }) => passed)).toEqual([true, false, true]);
  expect(expectations[2]).toMatchObject({ claim: "cpu-6" });
});

test("orderings hold or do not; neither stops anything", () => {
  const text = `orderings:
  - { says: shadow is faster, published: ept09-class-gain, expect: "cycles > base('cycles') where technique == 'hardware/shadow'" }
  - { says: native is slower, published: [ept09-class-gain], expect: "cycles > 2000 where technique == 'native'" }`;
  expect(judged(text).orderings.map(({ passed }) => passed)).toEqual([true, false]);
});

test("a table of published figures that is damaged is refused", () => {
  expect(() => readPublished("id,value\na,1..\n")).toThrow(UserError);
  expect(() => readPublished("id,value\na,1\na,2\n")).toThrow('two rows are named "a"');
  expect(readPublished("id,value\na,1..2\n").get("a")!.value).toEqual({ low: 1, high: 2 });
});
