/**
 * The files that code guests are made of: found and hashed when a plan is made, read again where the cell runs. A file that has
 * changed in between is noticed: a row says which bytes it is about.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../util/errors.js";
import { formatBytes, GIB } from "../../util/units.js";
import type { GuestFile } from "../config.js";

/** A disk may be large; what a machine of 3 GiB loads may not. */
const MOST_BYTES = 2 * GIB;
/** The lab's programs: the same from core/ and from the build in dist/. */
const PROGRAMS = fileURLToPath(new URL("../../../core/guest/programs/", import.meta.url));

/** Files of one plan, each read once. */
export class GuestFiles {
  private readonly found = new Map<string, { readonly file: GuestFile; readonly bytes: Uint8Array }>();

  /** @param folder the scenario's, to which names are relative */
  constructor(private readonly folder: string) {}

  /**
   * Finds and hashes a file; one that does not exist has no hash.
   * @throws UserError for what is there and cannot be read
   */
  find(name: string, isShipped = false): GuestFile {
    const place = path.resolve(isShipped ? PROGRAMS : this.folder, name);
    const known = this.found.get(place);
    if (known !== undefined) return known.file;
    const bytes = readIfThere(place, name);
    const file = { name, path: place, sha256: bytes === undefined ? "" : sha256(bytes) };
    if (bytes !== undefined) this.found.set(place, { file, bytes });
    return file;
  }

  /** The contents of a file that was found. */
  bytesOf({ path: place }: GuestFile): Uint8Array {
    return this.found.get(place)!.bytes;
  }
}

/** A file's contents, which are those that the plan saw. @throws UserError when they are not */
export function readGuestFile({ name, path: place, sha256: planned }: GuestFile): Uint8Array {
  const bytes = readIfThere(place, name);
  if (bytes === undefined || sha256(bytes) !== planned) {
    throw new UserError(`${name} has changed since the run began`, { mend: "run the scenario again" });
  }
  return bytes;
}

function readIfThere(place: string, name: string): Uint8Array | undefined {
  try {
    const found = statSync(place);
    if (!found.isFile()) throw new UserError(`${name} is not a file`, { mend: "give the path of an image" });
    if (found.size > MOST_BYTES)
      throw new UserError(`${name} has ${formatBytes(found.size)}, more than ${formatBytes(MOST_BYTES)}`, {
        mend: "check the path: no guest here has as much memory",
      });
    return readFileSync(place);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} cannot be read (${String(code)})`, { mend: "check its permissions" });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
