/**
 * Writes the cpio archive of an initramfs, in the "newc" format that Linux unpacks (Linux, Documentation/driver-api/
 * early-userspace/buffer-format.rst): for each file a header of 110 ASCII characters, its name, its contents, each padded to
 * 4 bytes; at the end a file named TRAILER!!!. Numbers are 8 hexadecimal digits. Times and owners are 0, so that the same
 * files give the same bytes.
 */

export type CpioEntry =
  | { readonly kind: "file"; readonly name: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "directory"; readonly name: string; readonly mode: number }
  | {
      readonly kind: "character-device";
      readonly name: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const MAGIC = "070701";
const HEADER_BYTES = 110;
const TRAILER = "TRAILER!!!";

/** File types of st_mode (POSIX, sys/stat.h; the values of Linux). */
const TYPE_BITS = { file: 0o100000, directory: 0o040000, "character-device": 0o020000 } as const;

const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** @param entries directories before what is in them; names without a leading slash */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const encoder = new TextEncoder();
  const members = entries.map((entry, index) => ({
    header: [
      ...[index + 1, TYPE_BITS[entry.kind] | entry.mode, 0, 0], // inode, mode, uid, gid
      ...[entry.kind === "directory" ? 2 : 1, 0], // links, time
      entry.kind === "file" ? entry.bytes.length : 0,
      ...[0, 0], // device that holds the file
      ...(entry.kind === "character-device" ? [entry.major, entry.minor] : [0, 0]),
    ],
    name: encoder.encode(`${entry.name}\0`),
    bytes: entry.kind === "file" ? entry.bytes : new Uint8Array(0),
  }));
  const trailer = {
    header: [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    name: encoder.encode(`${TRAILER}\0`),
    bytes: new Uint8Array(0),
  };

  const all = [...members, trailer];
  const size = ({ name, bytes }: (typeof all)[number]): number =>
    padded(HEADER_BYTES + name.length) + padded(bytes.length);
  const archive = new Uint8Array(all.reduce((sum, member) => sum + size(member), 0));
  let at = 0;
  for (const member of all) {
    const numbers = [...member.header, member.name.length, 0]; // the last is a checksum, unused in this format
    const digits = numbers.map((value) => value.toString(16).padStart(8, "0").toUpperCase());
    archive.set(encoder.encode(MAGIC + digits.join("")), at);
    archive.set(member.name, at + HEADER_BYTES);
    archive.set(member.bytes, at + padded(HEADER_BYTES + member.name.length));
    at += size(member);
  }
  return archive;
}

/** An initramfs with one program, run as the first process, and the console that it writes to. */
export function initramfs(init: Uint8Array): Uint8Array {
  return writeCpio([
    { kind: "directory", name: "dev", mode: 0o755 },
    { kind: "character-device", name: "dev/console", mode: 0o600, major: 5, minor: 1 }, // Linux, devices.txt
    { kind: "file", name: "init", mode: 0o755, bytes: init },
  ]);
}
