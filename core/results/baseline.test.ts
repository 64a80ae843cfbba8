/** Baselines: nothing modelled is lost, and what is not whole is told, with its mend. */
import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import { BASELINE_FORMAT, baselineFiles, readBaseline } from "./baseline.js";
import { compareRuns } from "./compare.js";
import { SMALL_RECORD, SMALL_ROWS } from "./testing/run-rows.js";

const WHERE = "results/baselines/small.csv";
const why = [{ date: "2026-01-31", commit: "0123456789", why: "a test", changed: "New: 6 cells." }];
const files = baselineFiles(SMALL_ROWS, SMALL_RECORD, why);

describe("a baseline", () => {
  it("reads back equal to the run that it was made of, in every column that is not derived", () => {
    const { rows, record } = readBaseline(files, WHERE);
    expect(compareRuns({ rows }, { rows: SMALL_ROWS })).toMatchObject({ isEqual: true, compared: 6 });
    expect(record).toMatchObject({ format: BASELINE_FORMAT, scenario: "small", rows: 6, why });
    expect(record.constants).toEqual({ "nehalem-2008": { "costs.vm_exit": 1009, "costs.invlpg": 120 } });
  });

  it("says once what all rows have in common", () => {
    const { same } = readBaseline(files, WHERE).record;
    expect(same).toMatchObject({ profile: expect.any(String), seed: 1 });
    for (const name of Object.keys(same)) expect(files.csv.split("\n")[0]!.split(",")).not.toContain(name);
  });

  it("sees a number that was the same in all rows and now is not", () => {
    const { rows } = readBaseline(files, WHERE);
    const after = SMALL_ROWS.map((row, index) => (index === 0 ? { ...row, halts: 1 } : row));
    expect(compareRuns({ rows }, { rows: after }).changed).toHaveLength(1);
  });

  it("is the same with the line ends of another system", () => {
    expect(readBaseline({ ...files, csv: files.csv.replaceAll("\n", "\r\n") }, WHERE).rows).toHaveLength(6);
  });
});

describe("refused, with a mend", () => {
  const errorOf = (changed: Partial<typeof files>): UserError => {
    try {
      readBaseline({ ...files, ...changed }, WHERE);
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return error as UserError;
    }
    throw new Error("it was read");
  };

  it.each([
    ["cut off in a line", files.csv.slice(0, files.csv.length - 9), "is not what was blessed"],
    [
      "cut off between lines",
      files.csv.split("\n").slice(0, 4).join("\n"),
      "was cut off: 3 of 6 rows are left",
    ],
    ["empty", "", "was cut off: 0 of 6 rows are left"],
    ["edited", files.csv.replace(/[1-9](?=,)/, "0"), "edited, or merged by hand"],
  ])("a CSV that is %s", (_, csv, message) => {
    const { message: text, where, mend } = errorOf({ csv });
    expect(text).toContain(message);
    expect(where).toBe(WHERE);
    expect(mend).toContain("baseline update small");
  });

  it.each([
    [BASELINE_FORMAT + 1, "a newer schema version: 2, this virtlab knows 1"],
    [0, "an older schema version: 0, this virtlab knows 1"],
  ])("a record of format %s", (format, message) => {
    const { message: text, mend } = errorOf({
      json: files.json.replace('"format": 1', `"format": ${format}`),
    });
    expect(text).toContain(message);
    expect(mend).toContain("bless anew: npm run virtlab -- baseline update small");
  });

  it.each([
    ["cut off", files.json.slice(0, 80)],
    ["no record", "{}"],
    ["no JSON", "rows"],
  ])("a record that is %s", (_, json) => {
    expect(errorOf({ json }).message).toContain("record is damaged");
  });
});
