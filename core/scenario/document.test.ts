import fc from "fast-check";
import { expect, test } from "vitest";
import { UserError } from "../util/errors.js";
import { readDocument, readValue } from "./document.js";

function complaint(text: string): string {
  try {
    readDocument(text, "f.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  return "accepted";
}

const BOMB = `
a: &a [1,1,1,1,1,1,1,1,1]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`;

test.each([
  ["nothing", "", "f.yaml: is empty"],
  ["only a comment", "# hello", "f.yaml: is empty"],
  ["bytes", "\u0000\u0001", "f.yaml: is not text"],
  ["a list", "- a", "f.yaml:1:1: a scenario is a mapping"],
  ["a key twice", "a: 1\nb: 2\na: 3", "f.yaml:3:1: this key is given twice"],
  ["a tab", "a:\n\tb: 1", "f.yaml:2:1: a tab cannot indent YAML"],
  ["two documents", "a: 1\n---\nb: 2", "f.yaml:2:1: a file holds one scenario"],
  ["an open quote", "a: 'x", "f.yaml:1:6: Missing closing 'quote"],
  ["an unknown alias", "a: *b", "f.yaml:1:4: nothing is anchored as &b"],
  ["a bomb of aliases", BOMB, "its YAML aliases expand too far"],
  ["deep brackets", "a: ".concat("[".repeat(5000)), "is nested too deeply"],
  ["deep dashes", "- ".repeat(5000), "is nested too deeply"],
  ["a tag", "a: !foo 1", "f.yaml:1:4: Unresolved tag"],
  [
    "an escape of the terminal",
    'a: 1\ntitle: "\\e[31mred"',
    "f.yaml:2:8: a text holds the control character U+001B",
  ],
  ["a lone surrogate", 'title: "\\ud800"', "control character U+D800"],
  ["an endless title", `title: ${"a".repeat(2001)}`, "f.yaml:1:8: a text of 2001 characters is too long"],
  ["a very large text", "a".repeat(2_000_000), "is larger than 1 MiB"],
])("%s is refused with its place", (_, text, expected) => {
  expect(complaint(text)).toContain(expected);
});

test("any text gives a document or a UserError", () => {
  const pieces = fc.constantFrom(
    "a",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "&a ",
    "*a",
    "!t ",
    "|",
    ">",
    "#",
    "\t",
    "?",
    "%",
    "---\n",
    "1",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (words) => {
      complaint(words.join(""));
    }),
    { numRuns: 500 },
  );
});

test("values and keys are found again", () => {
  const document = readDocument("a: 1\nb:\n  c: [x, y]\nd: &d { e: 1 }\nf: *d\n", "f.yaml");
  expect(document.locate(["b", "c", 1])).toBe("f.yaml:3:10");
  expect(document.locate(["b", "c"], "key")).toBe("f.yaml:3:3");
  expect(document.locate(["f", "e"])).toBe("f.yaml:4:12");
  expect(document.locate(["b", "z"])).toBeUndefined();
  expect(document.locate(["B"], "value", (written, wanted) => written === wanted.toLowerCase())).toBe(
    "f.yaml:3:3",
  );
});

test("a value on the command line is YAML where it can be", () => {
  expect(["3", "true", "[a, b]", "16GiB", "[a", "hardware/nested"].map(readValue)).toEqual([
    3,
    true,
    ["a", "b"],
    "16GiB",
    "[a",
    "hardware/nested",
  ]);
});
