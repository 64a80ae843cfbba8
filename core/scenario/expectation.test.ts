import { expect, test } from "vitest";
import { UserError } from "../util/errors.js";
import type { CellOutcome } from "./config.js";
import { rowsOf } from "./row.js";
import { checkExpectations } from "./run.js";
import type { ExpectationResult } from "./scenario.js";
import { fakeRun, planFrom, TEST_CATALOGUE } from "./testing/catalogue.js";

const TEXT = `
baseline: { technique: native }
machine: { profile: nehalem-2008 }
matrix: { technique: [native, hardware/shadow, hardware/nested], workload: [gups, forkwait], host.vpid: [true, false] }
`;

/** The verdict on one line over made-up outcomes; `change` replaces the outcome of some cells. */
function verdict(
  line: string,
  change: (id: string) => CellOutcome | undefined = () => undefined,
): ExpectationResult {
  const plan = planFrom(`${TEXT}expect: [${JSON.stringify(line)}]`);
  const outcomes = new Map(plan.cells.map(({ id, config }) => [id, change(id) ?? fakeRun(config)]));
  return checkExpectations(plan, rowsOf(plan, outcomes), TEST_CATALOGUE)[0]!;
}
function complaint(line: string): string {
  try {
    verdict(line);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  return "accepted";
}

test.each([
  ["walk_refs_max == 24 where technique == 'hardware/nested'", true, 4],
  ["walk_refs_max == 24 where technique == 'hardware/nested' and workload == \"gups\"", true, 2],
  ["exits == 0", false, 12],
  ["exits == 0 where technique == 'native'", true, 4],
  ["exits > 0 where not (technique == 'native')", true, 8],
  ["exits > 0 where technique in ['hardware/shadow', 'hardware/nested']", true, 8],
  ["cycles > peer('technique', 'native').cycles where technique != 'native'", true, 8],
  ["cycles == peer('technique', 'native', 'workload', 'gups').cycles where technique == 'native'", true, 4],
  ["cycles == 2 * base('cycles') where technique == 'hardware/nested'", true, 4],
  ["slowdown == 3 where technique == 'hardware/shadow'", true, 4],
  ["machine.profile == 'nehalem-2008'", true, 12],
  ["footprint == bytes('64MiB') where workload == 'gups'", null, 0],
  ["host.vpid == true or host_vpid == false", true, 12],
  ["max(exits, 1) <= 2 and round(1.4) == 1", true, 12],
  ["count() == 4 where technique == 'native'", true, 4],
  ["count(exits > 0) == 8", true, 12],
  ["sum(exits) == 4 * (0 + 1 + 2)", true, 12],
  ["highest(cycles) / lowest(cycles) == 3", true, 12],
  ["mean(walk_refs_max) > 24", false, 12],
  ["median(exits) == 1", true, 12],
  ["count() == 0 where technique == 'native' and exits > 0", true, 0],
  ["exits == 0 where technique == 'x where y'", false, 0],
  ["status == 'done'", true, 12],
])("%s", (line, passed, rows) => {
  if (passed === null) {
    expect(complaint(line)).toContain('no row has a column "footprint"');
    return;
  }
  expect(verdict(line)).toMatchObject({ passed, rows });
});

test.each([
  ["cycles", "is neither true nor false"],
  ["'gups'", "is neither true nor false"],
  ["exits == 0 where workload", "is neither true nor false"],
  ["highest(cycles)", "is neither true nor false"],
  ["cycles > peer('technique', 'native')", "a column follows it"],
  ["cycles > peer('technique').cycles", "takes axes with their values"],
  ["cycles > peer().cycles", "takes axes with their values"],
])("%s is refused", (line, expected) => {
  expect(complaint(line)).toContain(expected);
});

test("a failure names the cell and the values used", () => {
  const { failures } = verdict("exits == 0 and slowdown < 3 where workload == 'gups' and host.vpid == true");
  expect(failures).toEqual([
    { cell: "technique=hardware/shadow workload=gups host_vpid=true", reason: "", values: { exits: 2 } },
    { cell: "technique=hardware/nested workload=gups host_vpid=true", reason: "", values: { exits: 1 } },
  ]);
});

test("selecting no rows is a failure", () => {
  expect(verdict("exits == 0 where page == '2M'")).toMatchObject({
    passed: false,
    rows: 0,
    reason: "selected no rows",
  });
});

const ended = (status: CellOutcome["status"]): CellOutcome => ({
  status,
  reason: "because",
  values: {},
  exits: [],
});

test("nothing finished: expectations fail, and no column is called unknown", () => {
  const { passed, failures } = verdict("cycels == peer('technique', 'native').cycels", () => ended("failed"));
  expect([passed, failures.length]).toEqual([false, 12]);
  expect(verdict("sum(exits) == 0 where page == '2M'").passed).toBe(false);
});

test("a failed cell fails what selects it, also by a number it has not", () => {
  const broken = (id: string) => (id.includes("shadow") ? ended("failed") : undefined);
  expect(verdict("cycles > 0 where technique == 'hardware/shadow'", broken)).toMatchObject({
    passed: false,
    rows: 4,
  });
  expect(verdict("cycles > 0 where exits == 2", broken).failures[0]).toMatchObject({
    reason: "the cell failed: because",
  });
  expect(verdict("cycles > 0 where technique == 'native'", broken).passed).toBe(true);
  expect(verdict("count() == 4 where status == 'failed'", broken).passed).toBe(true);
});

test("an unsupported cell is selected by its status alone", () => {
  const refused = (id: string) => (id.includes("shadow") ? ended("unsupported") : undefined);
  expect(verdict("cycles > 0", refused)).toMatchObject({ passed: true, rows: 8 });
  expect(verdict("status == 'unsupported' where technique == 'hardware/shadow'", refused)).toMatchObject({
    passed: true,
    rows: 4,
  });
});

test("a peer or baseline that did not finish fails the row", () => {
  const { passed, failures } = verdict("cycles >= base('cycles') where technique != 'native'", (id) =>
    id.includes("native") ? ended("failed") : undefined,
  );
  expect([passed, failures.length, failures[0]!.reason]).toEqual([
    false,
    8,
    "base('cycles') has no value: no such row, or it did not finish",
  ]);
});

test("an axis that a workload does not have is not selected by its number", () => {
  const plan = planFrom(
    "technique: native\nmatrix: { workload: [gups, forkwait], processes: [1, 2] }\nexpect: ['cycles > 0 where processes >= 1']",
  );
  const rows = rowsOf(plan, new Map(plan.cells.map(({ id, config }) => [id, fakeRun(config)])));
  expect(checkExpectations(plan, rows, TEST_CATALOGUE)[0]).toMatchObject({ passed: true, rows: 2 });
});

test.each([
  ["cycels > 0", 'no row has a column "cycels" (in `cycels > 0`)\n  did you mean "cycles"?'],
  ["peer('techniqe', 'native').cycles > 0", "peer('techniqe', …): not an axis of this scenario"],
  ["cycles = 3", "compare with =="],
  ["not exits == 0", "write not (…)"],
  ["exits == 0 where exits == 0 where 1", "has two wheres"],
  ["exits == 0 where count() == 1", "an aggregate cannot select rows"],
  ["count() == exits", "exits stands outside of an aggregate"],
  ["cout() == 1", 'there is no function cout (in `cout() == 1`)\n  did you mean "count"?'],
  ["constructor.constructor('return 1')()", "only named functions are called"],
  ["exits['constructor']", "brackets are not allowed"],
  ["slodown > 1", 'did you mean "slowdown"?'],
  ["constructor > 0", 'no row has a column "constructor"'],
  ["toString() == 1", "there is no function toString"],
  ["this.x", "disabled"],
  ["{a: 1}", "ObjectExpression is not allowed"],
  ["/x/", "is not a number or text"],
  [`1${"+1".repeat(600)}`, "characters are too many"],
  ["", "expect[0]: must not be empty"],
  ["where exits", "unexpected end of input"],
])("%s is refused", (line, expected) => {
  expect(complaint(line)).toContain(expected);
});
