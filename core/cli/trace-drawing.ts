/**
 * A virtual address drawn as bits, with the index that each field is:
 *
 *      47     39 38     30 29     21 20     12 11        0
 *     ┌─────────┬─────────┬─────────┬─────────┬────────────┐
 *     │  PML4   │  PDPT   │   PD    │   PT    │   offset   │
 *     │011101001│010011010│010111111│001000110│010110110000│
 *     │   233   │   154   │   191   │   70    │   0x5b0    │
 *     └─────────┴─────────┴─────────┴─────────┴────────────┘
 */
import type { AddressField } from "../scenario/trace-data.js";

interface Box {
  readonly field: AddressField;
  readonly width: number;
}

/** Lines of at most `columns`, as far as the bits allow. */
export function addressDrawing(fields: readonly AddressField[], columns: number): string[] {
  const inner = fields.map((field) =>
    Math.max(bitsOf(field).length, field.name.length, labelOf(field).length),
  );
  const total = inner.reduce((sum, width) => sum + width + 1, 1);
  const padding = total + 2 * fields.length <= columns ? 2 : 0;
  const boxes = fields.map((field, index): Box => ({ field, width: inner[index]! + padding }));
  const row = (text: (field: AddressField) => string): string =>
    `│${boxes.map(({ field, width }) => centred(text(field), width)).join("│")}│`;
  const rule = (left: string, middle: string, right: string): string =>
    left + boxes.map(({ width }) => "─".repeat(width)).join(middle) + right;
  return [
    ` ${boxes.map(({ field, width }) => spread(field, width)).join(" ")}`,
    rule("┌", "┬", "┐"),
    row(({ name }) => name),
    row(bitsOf),
    row(valueText),
    rule("└", "┴", "┘"),
  ];
}

/** The bits; a sign extension, which is one bit over and over, as that bit twice. */
function bitsOf({ name, high, low, value }: AddressField): string {
  const length = high - low + 1;
  if (name === "sign") return value === null ? "?" : "0…0";
  return value === null ? "?".repeat(length) : value.toString(2).padStart(length, "0");
}

function valueText({ name, value }: AddressField): string {
  if (value === null) return "?";
  return name === "offset" ? `0x${value.toString(16)}` : String(value);
}

function labelOf({ high, low }: AddressField): string {
  return `${high} ${low}`;
}

/** The numbers of the highest and the lowest bit at both ends of the box. */
function spread({ high, low }: AddressField, width: number): string {
  return `${high}${String(low).padStart(width - String(high).length)}`;
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return " ".repeat(left) + text.padEnd(width - left);
}
