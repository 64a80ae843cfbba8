import { expect, test } from "vitest";
import { complaint } from "./testing/complaint.js";

test.each([
  ["unknown key", "titel: x", 'test.yaml:1:1: unknown key "titel"\n  did you mean "title"?'],
  [
    "unknown key inside",
    "machine:\n  tlbs: true",
    'test.yaml:2:3: unknown key "tlbs" in machine\n  did you mean "tlb"?',
  ],
  [
    "a setting outside of its section",
    "host.page: 2M",
    'test.yaml:1:1: unknown key "host.page"\n  write host: { page: … }, or matrix: { host.page: […] }',
  ],
  [
    "a setting in another section",
    "machine: {paging: pae}",
    "write guest: { paging: … }, or matrix: { guest.paging: […] }",
  ],
  [
    "a workload's parameter outside of it",
    "footprint: 1GiB",
    "write it with its workload, workload: { name: …, footprint: … }, or parameters: { footprint: … } for all",
  ],
  [
    "a value for a section",
    "guest: 5",
    "expected a mapping, found 5\n  write guest: { paging: … }; its keys: paging, pcid",
  ],
  [
    "unknown axis",
    "matrix: {pages: [4K]}",
    'test.yaml:1:10: unknown key "pages" in matrix\n  did you mean "page"?',
  ],
  [
    "unknown name",
    "technique: nested",
    'test.yaml:1:12: technique: "nested" is not valid here\n  did you mean "hardware/nested"?',
  ],
  [
    "unknown workload with parameters",
    "matrix: {workload: [{name: gusp}]}",
    "test.yaml:1:28: matrix.workload[0].name",
  ],
  [
    "another workload's parameter",
    "matrix: {workload: [{name: gups, skew: 1}]}",
    "valid here: name, footprint",
  ],
  [
    "a word for a list",
    "matrix: {technique: native}",
    'test.yaml:1:21: matrix.technique: expected a list, found "native"\n  write [native]',
  ],
  [
    "a list for a base value",
    "technique: [native, hardware/nested]",
    "test.yaml:1:12: technique: a list is not valid here\n  several values are an axis: write matrix: { technique: […] }",
  ],
  [
    "a list for a base value in a section",
    "machine: {memory: [1GiB, 2GiB]}",
    "write matrix: { machine.memory: […] }",
  ],
  [
    "a size above all",
    "workload: { name: gups, footprint: 99999999TiB }",
    'test.yaml:1:36: workload.footprint: "99999999TiB" is too large',
  ],
  [
    "a baseline that no row has",
    "matrix: { page: [4K, 2M] }\nbaseline: { page: 1G }",
    "the baseline has page: 1G, which no row has",
  ],
  ["wrong unit", "machine: {memory: 4Gob}", 'test.yaml:1:19: machine.memory: "4Gob" is not a size'],
  ["out of range", "parameters: {footprint: 1KiB}", "1KiB is out of range: at least 4 KiB"],
  [
    "a size outside of two limits",
    "translation: {cache: 1PiB}",
    "test.yaml:1:22: translation.cache: 1PiB is out of range: at least 8 KiB and at most 2 MiB",
  ],
  [
    "a unit that there is not",
    "machine: {memory: 1EiB}",
    '"1EiB" is not a size: write a number with B, KiB, MiB, GiB, TiB or PiB, e.g. 64MiB',
  ],
  ["one of few words", "page: 5K", 'did you mean "4K"? valid here: 4K, 2M, 4M, 1G'],
  [
    "one of few numbers",
    "shadow: { prefetch: 3 }",
    "shadow.prefetch: 3 is not valid here\n  valid here: 1, 2, 4, 8, 16, 32, 64",
  ],
  [
    "a number as text",
    'shadow: { prefetch: "8" }',
    'shadow.prefetch: "8" is not valid here\n  write 8, without quotes',
  ],
  ["a part of several names", "technique: shadow", 'did you mean "hardware/shadow"?'],
  ["on for true", "host: {vpid: on}", 'host.vpid: expected true or false, found "on"\n  write true'],
  [
    "a price that sums would not be exact with",
    "machine: { costs: { vm_exit: 700.3 } }",
    "700.3 is no multiple of 1/64 cycle, as all prices are, so that sums of them are exact: the nearest is 700.296875",
  ],
  ["fraction", "shadow: {maximumTables: 1.5}", "expected a whole number, found 1.5"],
  [
    "unknown chart",
    "charts: [{kind: stak}]",
    'test.yaml:1:17: charts[0].kind: "stak" is not valid here\n  did you mean "stack"?',
  ],
  ["chart without kind", "charts: [{x: page}]", "charts[0].kind: is missing"],
  ["unknown key in a size", "sizes: {tiny: {matrx: {}}}", 'unknown key "matrx" in sizes.tiny'],
  ["empty list", "matrix: {page: []}", "test.yaml:1:16: matrix.page: must not be empty"],
  ["nothing after a key", "title:", "title: expected text, found nothing"],
  [
    "one axis twice",
    "matrix: {profile: [old-2001], machine.profile: [new-2020]}",
    "machine.profile is the same axis as matrix.profile",
  ],
  [
    "an axis that hides a value",
    "page: 4K\nmatrix: {page: [2M]}",
    "page is an axis (matrix.page), so its base value has no effect",
  ],
  [
    "a parameter nobody has",
    "workload: forkwait\nparameters: {skew: 1}",
    "test.yaml:2:20: parameters.skew has no effect: no cell of this scenario uses it\n  it is a parameter of zipf; here are forkwait",
  ],
  [
    "an axis that nobody has",
    "technique: native\nworkload: forkwait\nmatrix: {skew: [1, 2]}",
    "test.yaml:3:16: parameters.skew has no effect",
  ],
  [
    "a setting of another technique",
    "technique: native\nworkload: gups\nshadow: {reuse: false}",
    "test.yaml:3:17: shadow.reuse has no effect: no cell of this scenario uses it\n  it is for reference streams under hardware/shadow; guests that are code under hardware/shadow, trap-and-emulate/shadow, binary-translation/shadow; here are gups under native",
  ],
  [
    "a price that nobody pays",
    "technique: native\nworkload: gups\nmachine: {costs: {vm_exit: 100}}",
    "test.yaml:3:28: machine.costs.vm_exit has no effect",
  ],
  [
    "a baseline that does not vary",
    "baseline: {technique: native}",
    "the baseline names technique, which is not an axis",
  ],
  ["a bad expectation", "expect:\n  - cycles = 3", "test.yaml:2:5: unexpected token after expression"],
  ["prototype", "__proto__: {a: 1}", 'unknown key "__proto__"'],
])("%s is told with its place and how to mend it", (_, text, expected) => {
  expect(complaint(text)).toContain(expected);
});

test("several problems are told at once, in the order of the file", () => {
  const lines = complaint("titel: x\npage: 5K\nmachine: {tlbs: true}").split("\n");
  expect(lines.map((line) => /test\.yaml:(\d)/.exec(line)?.[1]).filter(Boolean)).toEqual(["1", "2", "3"]);
});

test("a base value and its axis go together when include needs the value", () => {
  const text =
    "page: 2M\ntechnique: native\nmatrix: {workload: [gups], page: [4K]}\ninclude: [{workload: zipf}]";
  expect(complaint(text)).toBe("accepted");
});

test("every setting that no cell uses is told at once", () => {
  const text = "technique: native\nworkload: gups\nshadow: {reuse: false, fill: eager}";
  expect(complaint(text)).toContain("has no effect");
  expect(complaint(text)).toContain("test.yaml:3:30: shadow.fill has no effect");
});

test("what a size or --set narrows away is no mistake; what --set says without effect is", () => {
  const text = [
    "matrix: { technique: [native, hardware/shadow], workload: [gups, zipf] }",
    "shadow: { reuse: false }",
    "parameters: { skew: 1 }",
    "sizes: { tiny: { matrix: { technique: [native] } } }",
  ].join("\n");
  expect(complaint(text)).toBe("accepted");
  expect(complaint(text, ["size=tiny"])).toBe("accepted");
  expect(complaint(text, ["technique=native", "workload=gups"])).toBe("accepted");
  expect(complaint(text, ["technique=native", "shadow.fill=eager"])).toContain(
    "--set shadow.fill=eager: shadow.fill has no effect",
  );
  expect(complaint(text, ["skew=2", "workload=gups"])).toContain(
    "--set skew=2: parameters.skew has no effect",
  );
});
