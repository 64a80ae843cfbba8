/**
 * Which rows of the instruction table have vectors, found by decoding every vector's code:
 *
 *      node scripts/vectors/coverage.mjs
 *
 * Prints rows without, with the reason where there is one. Exit code 1 when a row has neither.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readCases } from "./shared.mjs";

const { decode } = await import("../../core/machine/x86/decode.ts");
const { ROWS } = await import("../../core/machine/x86/table.ts");

const FOLDER = fileURLToPath(new URL("../../core/machine/testing/vectors/data", import.meta.url));

/** Why a row has no vectors, by its name and opcode: the first that matches. */
const REASONS = [
  [
    /^(sgdt|sidt|sldt|str|smsw)/,
    "tells the machine's own tables; and ring 3 may be kept from them (CR4.UMIP)",
  ],
  [/^(cpuid|xgetbv|xsetbv|rdpid|rdpkru|wrpkru)/, "tells what the processor is"],
  [/^(rdtsc|rdtscp|rdpmc|rdrand|rdseed)/, "another result each time"],
  [/^(syscall|sysenter|int1)/, "taken by the recording system, or by its hypervisor"],
  [/^(vm|inv(ept|vpid|lpga)|stgi|clgi|skinit|rsm)/, "its fault depends on whether virtualization is on"],
  [/^(xsave|xrstor)/, "its image depends on the processor's features"],
  [/^jcxz /, "an address size that this width of code does not have"],
  [/^jrcxz /, "an address size that this width of code does not have"],
  [/^nop .*0F 0D/, "#UD on AMD's processors, nothing on Intel's"],
  [/^bswap r16/, "the manual leaves its result undefined"],
  [/^(lss|lfs|lgs|jmp far|call far) .*m16:64/, "AMD's processors take no 64-bit offset from memory"],
  [/^(monitor|mwait|clac|stac)/, "privileged: #UD or #GP by feature"],
  [/^(sysret|sysexit)/, "privileged: #UD or #GP by vendor"],
];

/** Rows by index that some code of the folder decodes to, in 64-bit code and in the other two widths. */
function coveredRows() {
  const covered = { long: new Set(), legacy: new Set() };
  for (const name of readdirSync(FOLDER, { recursive: true }).filter((one) => one.endsWith(".txt")))
    for (const { code } of readCases(readFileSync(`${FOLDER}/${name}`, "utf8"))) {
      for (let offset = 0; offset < code.bytes.length; ) {
        const instruction = decode(code.bytes, offset, code.mode);
        if (typeof instruction === "string") break;
        covered[code.mode === 64 ? "long" : "legacy"].add(instruction.row.index);
        offset += instruction.length;
      }
    }
  return covered;
}

/** "lodsd EAX, m32 (AD), 64-bit code" */
const describe = (row, width) => `${row.name} ${row.syntax.join(", ")} (${row.opcode})${width}`;

const covered = coveredRows();
const missing = ROWS.flatMap((row) => {
  const long = row.long && !covered.long.has(row.index);
  const legacy = row.legacy && !covered.legacy.has(row.index);
  if (!long && !legacy) return [];
  const everywhere = long === row.long && legacy === row.legacy;
  return [{ row, width: everywhere ? "" : long ? ", 64-bit code" : ", 16- and 32-bit code" }];
});
const byReason = new Map();
for (const one of missing) {
  const reason = REASONS.find(([pattern]) => pattern.test(describe(one.row, "")))?.[1] ?? "";
  byReason.set(reason, [...(byReason.get(reason) ?? []), one]);
}
for (const [reason, rows] of byReason)
  console.log(
    [
      `${reason === "" ? "NO REASON" : reason}:`,
      ...rows.map(({ row, width }) => `  ${describe(row, width)}`),
    ].join("\n"),
  );
console.log(`${ROWS.length} rows, ${missing.length} without vectors in a width of code that has them`);
if (byReason.has("")) process.exitCode = 1;
