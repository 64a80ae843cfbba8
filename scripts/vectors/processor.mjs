/** What is at hand: the processor's name and features, from /proc/cpuinfo. */
import { readFileSync } from "node:fs";

/** What the vectors' instructions need, by Linux's names. Without one, its instructions would be recorded as #UD. */
const NEEDED = [
  "sse2",
  "cx8",
  "cx16",
  "cmov",
  "fxsr",
  "mmx",
  "lahf_lm",
  "popcnt",
  "abm",
  "bmi1",
  "bmi2",
  "adx",
  "movbe",
  "sse4_2",
  "pni",
  "clflush",
  "clflushopt",
  "clwb",
  "fsgsbase",
  "3dnowprefetch",
];

function field(name) {
  const line = readFileSync("/proc/cpuinfo", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}\t`) || one.startsWith(`${name} `));
  return line?.slice(line.indexOf(":") + 1).trim() ?? "unknown";
}

/** Names of needed features that the present processor has not. */
export function missingFeatures() {
  const present = field("flags").split(" ");
  return NEEDED.filter((name) => !present.includes(name));
}

/** Where and when vectors were recorded. The microcode's revision is left out: what vectors hold does not depend on it. */
export function provenance() {
  return {
    vendor: field("vendor_id"),
    processor: field("model name"),
    family: Number(field("cpu family")),
    model: Number(field("model")),
    stepping: Number(field("stepping")),
    date: new Date().toISOString().slice(0, 10),
  };
}
