/** String instructions: each width and repeat prefix, both directions, counts of 0 and more, ends of the window, 67 and segments. */
import { setting } from "../addresses.mjs";
import { written } from "../rows.mjs";
import { DATA_WINDOW, dataBase, ES_OFFSET } from "../shared.mjs";

const CX = 1;
const SI = 6;
const DI = 7;
const DF = 1 << 10;
const FIXED_FLAGS = 0x202;
const ZF = 0x40;
const REP = { "": [], "REP ": [0xf3], "REPE ": [0xf3], "REPNE ": [0xf2] };
const SUFFIX = { 1: "B", 2: "W", 4: "D", 8: "Q" };
const ADDRESS_SIZE = 0x67;
const FS = 0x64;
const FS_OFFSET = 0x100;

const STRINGS = [
  { name: "MOVS", opcode: 0xa4, repeats: ["", "REP "] },
  { name: "CMPS", opcode: 0xa6, repeats: ["", "REPE ", "REPNE "] },
  { name: "STOS", opcode: 0xaa, repeats: ["", "REP "] },
  { name: "LODS", opcode: 0xac, repeats: ["", "REP "] },
  { name: "SCAS", opcode: 0xae, repeats: ["", "REPE ", "REPNE "] },
];

/** Two runs of bytes that agree in 21 bytes and then differ, from the window's middle and 40h after it. */
const SAME = "0102030401020304010203040102030401020304";
const PATTERN = [`d800=${SAME}05aabbcc${SAME}`, `d840=${SAME}05aabbcd${SAME}`];

const sizesOf = (mode) => (mode === 64 ? [1, 2, 4, 8] : [1, 2, 4]);

function prefixesOf(size, mode) {
  if (size === 8) return [0x48];
  const natural = mode === 16 ? 2 : 4;
  return size === 1 || size === natural ? [] : [0x66];
}

/** SI and DI for places in the data window, given as distances from its start; 16-bit code's ES has another base. */
function pointers(mode, source, destination, segment = 0) {
  const destinationBase = mode === 16 ? DATA_WINDOW.address + ES_OFFSET : 0;
  return [
    setting(SI, DATA_WINDOW.address + source - (segment || dataBase(mode))),
    setting(DI, DATA_WINDOW.address + destination - destinationBase),
  ];
}

const flags = (backwards, zero) =>
  `fl=${(FIXED_FLAGS | (backwards ? DF : 0) | (zero ? ZF : 0)).toString(16)}`;

function casesOf(mode, size, repeated, name) {
  const [source, destination] = [0x800, 0x840];
  const end = DATA_WINDOW.bytes;
  const cases = [];
  const add = (from, to, count, backwards, ...more) =>
    cases.push([...pointers(mode, from, to), flags(backwards, count % 2 === 1), setting(CX, count), ...more]);
  add(source, destination, 3, false);
  add(source + 16, destination + 16, 3, true);
  if (!repeated) {
    if (mode === 64) add(end - size + 1, destination, 1, false); // #PF on the source, or on the destination alone
    add(source, end, 1, false);
    return cases;
  }
  add(source, destination, 0, false);
  add(source, destination, 1, true);
  add(source + 1, destination + 3, 8, false);
  if (name === "SCAS") add(source, destination, 9, false, "ax=4030201");
  if (name === "SCAS") add(source, destination, 9, false, "ax=2");
  if (mode === 64) {
    add(source + 1, source + 2, 6, false); // overlapping
    add(source + 2, source + 1, 6, true);
    add(end - 4 * size, destination, 6, false); // faults after some elements
    add(source, end - 4 * size, 6, false);
    add(3 * size, destination + 0x40, 6, true);
  }
  return cases;
}

const plain = STRINGS.flatMap(({ name, opcode, repeats }) =>
  repeats.map((repeat) =>
    written(`${repeat}${name}`, (_, mode) =>
      sizesOf(mode).map((size) => ({
        title: `${repeat}${name}${SUFFIX[size]}`,
        bytes: [...REP[repeat], ...prefixesOf(size, mode), size === 1 ? opcode : opcode + 1],
        setup: name === "CMPS" || name === "SCAS" ? PATTERN : [],
        cases: casesOf(mode, size, repeat !== "", name),
      })),
    ),
  ),
);

/** In 16- and 32-bit code 67 selects the other address size; in 64-bit code the upper halves neither count nor stay. */
const otherAddressSize = STRINGS.map(({ name, opcode, repeats }) =>
  written(
    `${repeats.at(-1)}${name} a32`,
    (_, mode) =>
      ["", repeats.at(-1)].map((repeat) => ({
        title: `${repeat}${name}D (67)`,
        bytes: [ADDRESS_SIZE, ...REP[repeat], ...prefixesOf(4, mode), opcode + 1],
        setup: name === "CMPS" || name === "SCAS" ? PATTERN : [],
        cases: [1, 4].map((count) => [
          ...(mode === 16
            ? pointers(mode, 0x800, 0x840)
            : [
                setting(SI, DATA_WINDOW.address + 0x800 + 0x5_0000_0000),
                setting(DI, DATA_WINDOW.address + 0x840 + 0x7_0000_0000),
              ]),
          setting(CX, count + (mode === 16 ? 0 : 0x9_0000_0000)),
          flags(false, true),
        ]),
      })),
    { modes: [16, 64] },
  ),
);

/** The source's segment can be replaced, the destination's cannot. */
const withSegment = STRINGS.map(({ name, opcode }) =>
  written(`${name} FS`, (_, mode) => [
    {
      title: `${name}D (FS)`,
      bytes: [FS, ...prefixesOf(4, mode), opcode + 1],
      cases: [[...pointers(mode, 0x804, 0x840, DATA_WINDOW.address + FS_OFFSET), flags(false, false)]].map(
        (one) => (mode === 64 ? [setting(SI, 0x804 - FS_OFFSET), ...one.slice(1)] : one),
      ),
    },
  ]),
);

const xlat = written("XLATB", (_, mode) => [
  { bytes: [0xd7], setup: [setting(3, DATA_WINDOW.address + 0x800 - dataBase(mode))], cases: [[], [], []] },
  { bytes: [FS, 0xd7], setup: [setting(3, 0x600)], cases: [[], []] },
  ...(mode === 64
    ? [{ bytes: [ADDRESS_SIZE, 0xd7], setup: [setting(3, 0x77_0040_0800)], cases: [[], []] }]
    : []),
]);

export const strings = [...plain, ...otherAddressSize, ...withSegment, xlat];
