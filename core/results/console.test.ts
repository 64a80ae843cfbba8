import { expect, test } from "vitest";
import { consoleFile } from "./console.js";

test("a cell's console has a file that says which cell it is", () => {
  expect(consoleFile("workload=program/gups bits=64")).toMatch(
    /^console\/workload=program_gups_bits=64-[0-9a-f]{8}\.txt$/,
  );
});

test("whatever a cell is called, its file is in the folder and its own", () => {
  const cells = [
    "append=a b",
    "append=a/b",
    "append=../../etc/passwd",
    `append=${"x".repeat(300)}`,
    `append=${"x".repeat(301)}`,
  ];
  const files = cells.map(consoleFile);
  expect(new Set(files).size).toBe(cells.length);
  for (const file of files) expect(file).toMatch(/^console\/[A-Za-z0-9._=-]{1,100}\.txt$/);
});
