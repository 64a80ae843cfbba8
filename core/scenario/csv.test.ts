/** CSV: exact numbers, hostile text, and the types restored. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import { fromCsv, toCsv } from "./csv.js";

describe("toCsv and fromCsv", () => {
  it("give back every finite number exactly", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        (numbers) => {
          const rows = numbers.map((cycles) => ({ cell: "a", cycles: Object.is(cycles, -0) ? 0 : cycles }));
          expect(fromCsv(toCsv(["cell", "cycles"], rows), "x.csv")).toEqual(rows);
        },
      ),
    );
  });

  it("give back any reason", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (reason) => {
        const rows = [{ cell: "a", reason }];
        expect(fromCsv(toCsv(["cell", "reason"], rows), "x.csv")).toEqual(rows);
      }),
    );
  });

  it("keep what only looks like a number as text where the column is text", () => {
    const rows = [{ cell: "1", fingerprint: "0012", page: "4K", footprint: 4096 }];
    expect(fromCsv(toCsv(["cell", "fingerprint", "page", "footprint"], rows), "x.csv")).toEqual(rows);
  });

  it("leave a missing value empty", () => {
    expect(toCsv(["cell", "cycles"], [{ cell: "a" }])).toBe("cell,cycles\na,\n");
  });
});

describe("fromCsv refuses", () => {
  it.each([
    ["an empty file", "", /empty/],
    ["a column named twice", "a,a\n1,2\n", /two columns are named "a"/],
    ["rows of different lengths", "a,b\n1\n", /cut off/],
  ])("%s", (_, text, message) => {
    expect(() => fromCsv(text, "x.csv")).toThrow(message);
    expect(() => fromCsv(text, "x.csv")).toThrow(UserError);
  });
});
