/** SHA-256 of a text, by which files are recognised. */
import { createHash } from "node:crypto";

/** In hex. */
export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
