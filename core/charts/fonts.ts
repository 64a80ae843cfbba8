/**
 * The font of pictures, and the widths of its letters: read from the TrueType file's own tables (Apple
 * TrueType Reference Manual: `cmap` format 4, `hmtx`), so that Vega places text as a canvas would, without
 * one, and the same on every machine.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export const FONT_NAME = "DejaVu Sans";

/** Paths of the regular and the bold face; the only file that touches dejavu-fonts-ttf. */
export function fontFiles(): { regular: string; bold: string } {
  const require = createRequire(import.meta.url);
  const face = (name: string): string => require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`);
  return { regular: face("DejaVuSans"), bold: face("DejaVuSans-Bold") };
}

/**
 * Width of a text in em (multiply by the font size), the letters' advances added up: no kerning, as in
 * resvg's layout.
 */
export type TextWidth = (text: string) => number;

export function textWidthOf(path: string): TextWidth {
  const file = readFileSync(path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tables = tableOffsets(view);
  const unitsPerEm = view.getUint16(tables["head"]! + 18);
  const metrics = view.getUint16(tables["hhea"]! + 34); // glyphs past the last metric have its width
  const glyphOf = characterMap(view, tables["cmap"]!);
  const widths = new Map<string, number>();
  const widthOf = (character: string): number => {
    const glyph = glyphOf(character.codePointAt(0)!);
    return view.getUint16(tables["hmtx"]! + 4 * Math.min(glyph, metrics - 1)) / unitsPerEm;
  };
  return (text) => {
    let total = 0;
    for (const character of text) {
      let width = widths.get(character);
      if (width === undefined) {
        width = widthOf(character);
        widths.set(character, width);
      }
      total += width;
    }
    return total;
  };
}

/** The table directory: 16 bytes a table, tag first, offset at 8. */
function tableOffsets(view: DataView): Record<string, number> {
  const offsets: Record<string, number> = {};
  for (let i = 0, at = 12; i < view.getUint16(4); i++, at += 16) {
    const tag = String.fromCharCode(...[0, 1, 2, 3].map((byte) => view.getUint8(at + byte)));
    offsets[tag] = view.getUint32(at + 8);
  }
  return offsets;
}

/**
 * Code point to glyph by a format 4 subtable: segments of [start, end] with a delta or an index into glyph
 * ids.
 */
function characterMap(view: DataView, cmap: number): (codePoint: number) => number {
  let subtable = -1;
  for (let i = 0; i < view.getUint16(cmap + 2); i++) {
    const offset = cmap + view.getUint32(cmap + 8 + i * 8);
    if (view.getUint16(offset) === 4) subtable = offset;
  }
  if (subtable < 0) throw new Error("the font has no cmap of format 4");
  const segments = view.getUint16(subtable + 6) / 2;
  const ends = subtable + 14;
  const starts = ends + 2 * segments + 2;
  const deltas = starts + 2 * segments;
  const ranges = deltas + 2 * segments;
  return (codePoint) => {
    for (let i = 0; i < segments; i++) {
      if (view.getUint16(ends + 2 * i) < codePoint) continue;
      const start = view.getUint16(starts + 2 * i);
      if (start > codePoint) return 0;
      const delta = view.getUint16(deltas + 2 * i);
      const range = view.getUint16(ranges + 2 * i);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = view.getUint16(ranges + 2 * i + range + 2 * (codePoint - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}
