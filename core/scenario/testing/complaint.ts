/** What is wrong with a scenario. */
import { expect } from "vitest";
import { UserError } from "../../util/errors.js";
import { planFrom } from "./catalogue.js";

/** The whole message a user sees, or "accepted". */
export function complaint(text: string, sets: readonly string[] = []): string {
  try {
    planFrom(text, sets);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  return "accepted";
}
