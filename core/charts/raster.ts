/**
 * SVG to PNG (the one file that touches resvg): only the project's font, so that equal drawings are equal
 * bytes.
 */
import { FONT_NAME, fontFiles } from "./fonts.js";

/** @param scale 2 is two pixels a unit: sharp on paper and on fine screens. */
export async function pngOf(svg: string, scale = 2): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const { regular, bold } = fontFiles();
  const image = new Resvg(svg, {
    background: "white",
    fitTo: { mode: "zoom", value: scale },
    font: {
      loadSystemFonts: false,
      fontFiles: [regular, bold],
      defaultFontFamily: FONT_NAME,
      sansSerifFamily: FONT_NAME,
    },
  });
  return image.render().asPng();
}
