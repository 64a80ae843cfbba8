import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { mergeDefinitions } from "./json-schema.js";

const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const LONG = {
  type: "object",
  properties: {
    size: ref("a"),
    count: ref("b"),
    again: ref("alias"),
    list: ref("first"),
    other: ref("second"),
  },
  additionalProperties: false,
  $defs: {
    a: { type: "integer", minimum: 1 },
    b: { type: "integer", minimum: 1 },
    alias: ref("b"),
    // Equal only once what they name is one.
    first: { type: "array", items: ref("a") },
    second: { type: "array", items: ref("alias") },
    unused: { type: "string" },
  },
};

test("definitions that say the same become one, and what nothing names is left out", () => {
  expect(mergeDefinitions(LONG)).toEqual({
    type: "object",
    properties: {
      size: ref("d0"),
      count: ref("d0"),
      again: ref("d0"),
      list: ref("d1"),
      other: ref("d1"),
    },
    additionalProperties: false,
    $defs: { d0: { type: "integer", minimum: 1 }, d1: { type: "array", items: ref("d0") } },
  });
});

test("the merged schema allows what the long one does", () => {
  const [before, after] = [LONG, mergeDefinitions(LONG)].map((schema) => new Ajv2020().compile(schema));
  const cases = [
    { size: 1 },
    { size: 0 },
    { count: 2, again: 0 },
    { list: [1, 2], other: [3] },
    { other: [0] },
    { x: 1 },
  ];
  expect(cases.map((value) => after!(value))).toEqual(cases.map((value) => before!(value)));
  expect(cases.map((value) => before!(value))).toEqual([true, false, false, true, false, false]);
});

test("a definition may name itself", () => {
  const tree = { $ref: "#/$defs/tree", $defs: { tree: { type: "array", items: ref("tree") } } };
  expect(mergeDefinitions(tree)).toEqual({
    $ref: "#/$defs/d0",
    $defs: { d0: { type: "array", items: ref("d0") } },
  });
});
