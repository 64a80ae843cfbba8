/** The MP tables, read as an operating system reads them. */
import { expect, test } from "vitest";
import { mpTables } from "./mp-table.js";

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;
const ENTRY_BYTES = [20, 8, 8, 8, 8];

test("the pointer leads to a table whose entries say what a PC has", () => {
  const { writes } = mpTables({ processors: 2, signature: 0x106a5, features: 0x0781_abfd });
  const [pointer, table] = writes.map(({ bytes }) => new DataView(bytes.slice().buffer));
  expect(writes.map(({ bytes }) => sum(bytes))).toEqual([0, 0]);
  expect(writes[0]!.physical % 16).toBe(0);
  expect(pointer!.getUint32(0, false)).toBe(0x5f4d505f); // "_MP_"
  expect(pointer!.getUint32(4, true)).toBe(writes[1]!.physical);
  expect(pointer!.getUint8(11)).toBe(0); // not a default configuration
  expect(table!.getUint32(0, false)).toBe(0x50434d50); // "PCMP"
  expect(table!.getUint16(4, true)).toBe(writes[1]!.bytes.length);
  expect(table!.getUint32(36, true)).toBe(0xfee0_0000);

  const entries: number[][] = [];
  for (let at = 44; at < writes[1]!.bytes.length; at += ENTRY_BYTES[entries.at(-1)![0]!]!) {
    const type = table!.getUint8(at);
    entries.push(Array.from({ length: ENTRY_BYTES[type]! }, (_, i) => table!.getUint8(at + i)));
  }
  expect(entries).toHaveLength(table!.getUint16(34, true));
  const ofType = (type: number): number[][] => entries.filter(([first]) => first === type);
  expect(ofType(0).map((entry) => entry.slice(1, 4))).toEqual([
    [0, 0x14, 3],
    [1, 0x14, 1],
  ]);
  expect(ofType(1)).toEqual([[1, 0, ...[..."ISA   "].map((letter) => letter.charCodeAt(0))]]);
  expect(ofType(2)).toEqual([[2, 2, 0x11, 1, 0, 0, 0xc0, 0xfe]]);
  expect(ofType(3)[0]).toEqual([3, 3, 0, 0, 0, 0, 2, 0]); // the 8259s at pin 0
  const pins = new Map(
    ofType(3)
      .slice(1)
      .map((entry) => [entry[5], entry[7]]),
  );
  expect([...pins.keys()]).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect([pins.get(0), pins.get(4), pins.get(14)]).toEqual([2, 4, 14]);
  expect(ofType(4).map((entry) => [entry[1], entry[6], entry[7]])).toEqual([
    [3, 255, 0],
    [1, 255, 1],
  ]);
});
