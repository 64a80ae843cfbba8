import { expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import { choiceOf, flagOf, textOf, textsOf, wholeNumberOf } from "./arguments.js";

it("reads whole numbers within limits", () => {
  expect(wholeNumberOf("seed", "4294967295", 0, 0xffff_ffff)).toBe(0xffff_ffff);
  expect(wholeNumberOf("seed", undefined, 0, 9)).toBeUndefined();
});

it.each(["-1", "1.5", "1e3", "0x10", " 1", "10", "many"])("refuses %j as a number from 0 to 9", (text) => {
  expect(() => wholeNumberOf("workers", text, 0, 9)).toThrow(UserError);
});

it("names the nearest choice", () => {
  expect(choiceOf("size", "tiny", ["tiny", "small"])).toBe("tiny");
  expect(() => choiceOf("size", "smal", ["tiny", "small"])).toThrow(
    expect.objectContaining({ mend: 'did you mean "small"?' }),
  );
});

it("takes a single option once, a repeatable one many times, and neither without a value", () => {
  expect(() => textOf("out", ["a", "b"])).toThrow("--out is given twice");
  expect(() => textOf("out", "")).toThrow("--out has no value");
  expect(textsOf("set", "a=1")).toEqual(["a=1"]);
  expect(textsOf("set", ["a=1", "b=2"])).toEqual(["a=1", "b=2"]);
  expect(() => textsOf("set", ["a=1", ""])).toThrow("--set has no value");
});

it("takes a repeated flag as given", () => {
  expect(flagOf([true, true])).toBe(true);
  expect(flagOf(undefined)).toBe(false);
});
