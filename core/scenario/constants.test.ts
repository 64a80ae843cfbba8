import { expect, it } from "vitest";
import type { Constant } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { hostConstants, profileConstants } from "./constants.js";

const isOutside = ({ value, range }: Constant): boolean =>
  range !== undefined && (value < range[0] || value > range[1]);

it("every constant lies within the range that is stated beside it", () => {
  const outside = [hostConstants(), ...PROFILES.map(({ name }) => profileConstants(name))].flatMap(
    (constants) => [...constants].filter(([, constant]) => isOutside(constant)).map(([name]) => name),
  );
  expect(outside).toEqual([]);
});
