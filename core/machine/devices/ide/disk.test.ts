/** A disk's pages: the image never changes, and snapshots share what was written without seeing later writes. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { differenceAt, randomImage } from "../testing/ide-bench.js";
import { Disk, type DiskState } from "./disk.js";

const BYTES = 20_000;

it("reads what was written, and returns to any snapshot, as a plain array does", () => {
  const image = randomImage(4, BYTES);
  const original = image.slice();
  const action = fc.oneof(
    fc.record({ kind: fc.constant("write" as const), at: fc.nat(BYTES - 1), length: fc.nat(9000) }),
    fc.record({
      kind: fc.constantFrom("save" as const, "restore" as const),
      at: fc.nat(3),
      length: fc.constant(0),
    }),
  );
  const property = fc.property(fc.array(action, { maxLength: 30 }), fc.integer(), (actions, seed) => {
    const disk = new Disk(image);
    let plain = image.slice();
    const saved: (DiskState | undefined)[] = [];
    const plainSaved: Uint8Array[] = [];
    for (const [index, { kind, at, length }] of actions.entries()) {
      if (kind === "write") {
        const bytes = randomImage(seed + index, Math.min(length, BYTES - at));
        disk.write(at, bytes);
        plain.set(bytes, at);
      } else if (kind === "save") {
        saved[at] = disk.save();
        plainSaved[at] = plain.slice();
      } else if (saved[at] !== undefined) {
        disk.restore(saved[at]);
        plain = plainSaved[at]!.slice();
      }
      const read = new Uint8Array(BYTES);
      disk.read(0, read);
      expect(differenceAt(read, plain)).toBe(-1);
    }
    expect(differenceAt(image, original)).toBe(-1);
  });
  fc.assert(property, { seed: 8, numRuns: 60 });
});
