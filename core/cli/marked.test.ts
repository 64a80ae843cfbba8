/** Words between marks are replaced; everything else stays. */
import { expect, test } from "vitest";
import { withMarked } from "./marked.js";

test("what is between the marks, and nothing else", () => {
  const text = "a <!-- claims -->old<!-- /claims --> b";
  expect(withMarked(text, "claims", "new")).toBe("a <!-- claims -->new<!-- /claims --> b");
  expect(withMarked(text, "validation", "new")).toBe(text);
  expect(withMarked("<!-- /claims --><!-- claims -->", "claims", "x")).toBe(
    "<!-- /claims --><!-- claims -->",
  );
});
