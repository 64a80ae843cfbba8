/** cpio archives: byte for byte against the format's description, and unpacked by cpio where it is installed. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { initramfs, writeCpio } from "./cpio.js";
import { haveTools, run, withFolder } from "./testing/tools.js";

const decode = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
const field = (header: string, index: number): number =>
  Number.parseInt(header.slice(6 + 8 * index, 14 + 8 * index), 16);

test("a member is a header, a name and contents, each padded to 4 bytes", () => {
  const archive = decode(
    writeCpio([{ kind: "file", name: "init", mode: 0o755, bytes: Uint8Array.of(65, 66, 67, 68, 69) }]),
  );
  expect(archive.slice(0, 6)).toBe("070701");
  const fields = Array.from({ length: 13 }, (_, index) => field(archive, index));
  expect(fields).toEqual([1, 0o100755, 0, 0, 1, 0, 5, 0, 0, 0, 0, 5, 0]);
  expect(archive.slice(110, 116)).toBe("init\0\0");
  expect(archive.slice(116, 124)).toBe("ABCDE\0\0\0");
  expect(archive.slice(124, 130)).toBe("070701");
  expect(archive.slice(124 + 110, 124 + 121)).toBe("TRAILER!!!\0");
  expect(archive.length % 4).toBe(0);
});

test("an initramfs has the console that the kernel opens for init", () => {
  const archive = decode(initramfs(new Uint8Array(3)));
  const start = archive.indexOf("dev/console") - 110;
  const header = archive.slice(start);
  expect([1, 9, 10].map((index) => field(header, index))).toEqual([0o020600, 5, 1]);
  expect(initramfs(Uint8Array.of(1))).toEqual(initramfs(Uint8Array.of(1)));
});

const unpack = haveTools("cpio unpacks the archive", "cpio");
test.runIf(unpack)("cpio unpacks it", () => {
  withFolder((folder) => {
    const bytes = Uint8Array.from({ length: 4099 }, (_, i) => i & 0xff);
    const archive = path.join(folder, "archive");
    const members = writeCpio([
      { kind: "directory", name: "bin", mode: 0o755 },
      { kind: "file", name: "bin/x", mode: 0o711, bytes },
      { kind: "file", name: "empty", mode: 0o644, bytes: new Uint8Array(0) },
    ]);
    writeFileSync(archive, members);
    run("sh", ["-c", `cd ${folder} && cpio --quiet -i < archive`]);
    expect(readFileSync(path.join(folder, "bin/x"))).toEqual(Buffer.from(bytes));
    expect(statSync(path.join(folder, "bin/x")).mode & 0o777).toBe(0o711);
    expect(statSync(path.join(folder, "empty")).size).toBe(0);
    expect(run("cpio", ["--quiet", "-t", "-F", archive])).toBe("bin\nbin/x\nempty\n");
  });
});
