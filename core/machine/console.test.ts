import { expect, test } from "vitest";
import { Console } from "./console.js";

const MEBIBYTE = 1 << 20;

function consoleOf(length: number, byteAt: (index: number) => number): Console {
  const console = new Console();
  for (let index = 0; index < length; index++) console.add(byteAt(index));
  return console;
}

test("a text is as it was sent, in UTF-8", () => {
  const bytes = new TextEncoder().encode("Größe: 4 µs\n");
  expect(consoleOf(bytes.length, (index) => bytes[index]!).text).toBe("Größe: 4 µs\n");
});

test("bytes that are no text do no harm", () => {
  expect(consoleOf(3, () => 0xff).text).toBe("\uFFFD\uFFFD\uFFFD");
});

test("a flood keeps its beginning and its end, and says what is missing", () => {
  const digit = (index: number): number => 0x30 + (index % 10);
  const length = MEBIBYTE + 300_007;
  const { text } = consoleOf(length, digit);
  const [first, last] = text.split(`\n… ${300_007 - 65_536} bytes left out …\n`);
  expect(first).toBe("0123456789".repeat(MEBIBYTE / 10 + 1).slice(0, MEBIBYTE));
  expect(last).toHaveLength(65_536);
  expect(last!.endsWith(String((length - 1) % 10))).toBe(true);
  expect(last!.startsWith(String((length - 65_536) % 10))).toBe(true);
});

test("it goes back to what it was", () => {
  for (const length of [5, MEBIBYTE + 70_000]) {
    const console = consoleOf(length, (index) => 0x30 + (index % 10));
    const { text } = console;
    const state = console.save();
    for (let i = 0; i < 70_000; i++) console.add(0x21);
    console.restore(state);
    expect(console.text).toBe(text);
  }
});

test("nothing is missing as long as the end has room", () => {
  const { text } = consoleOf(MEBIBYTE + 1000, () => 0x61);
  expect(text).toHaveLength(MEBIBYTE + 1000);
});
