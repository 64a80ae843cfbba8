/**
 * Layers of images: what a layer adds to the one below it, as a list of files with sizes and content identities, and the names
 * that it takes away. A layer is known by its digest, which covers its contents and its parent's digest (OCI image
 * specification, "Layer ChainID"), so that equal layers are stored and downloaded once.
 *
 * Left out: directories, modes and links as such; a path says where a file is, and that suffices for look-up and copies.
 */

export interface LayerFile {
  /** Absolute, without a trailing slash: `/usr/lib/libc.so`. */
  readonly path: string;
  readonly bytes: number;
  /** What it holds: files with the same identity are equal byte for byte. */
  readonly content: string;
}

export interface Layer {
  readonly digest: string;
  /** Digest of the layer below; undefined for a base layer. */
  readonly parent?: string | undefined;
  readonly files: readonly LayerFile[];
  /** Paths of lower layers that are gone here (`.wh.<name>` in a layer's archive). */
  readonly whiteouts: readonly string[];
  /** What is downloaded: the compressed archive. */
  readonly compressedBytes: number;
}

/** A layer with its digest. @param compression bytes of the archive for each byte of a file */
export function layerOf(
  parent: Layer | undefined,
  files: readonly LayerFile[],
  compression: number,
  whiteouts: readonly string[] = [],
): Layer {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const described = files.map(({ path, bytes: size, content }) => `${path}\0${size}\0${content}`);
  const digest = digestOf([parent?.digest ?? "", ...described, "", ...whiteouts]);
  return {
    digest,
    parent: parent?.digest,
    files,
    whiteouts,
    compressedBytes: Math.ceil(bytes * compression),
  };
}

/** Bytes of a layer's files, unpacked. */
export function bytesOf(layer: Layer): number {
  return layer.files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** 64 bits of FNV-1a over all strings (two halves with different offsets): names contents, protects nothing. */
function digestOf(strings: readonly string[]): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (const string of strings) {
    for (let i = 0; i <= string.length; i++) {
      const code = i < string.length ? string.charCodeAt(i) : 0x100;
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ (code + 0x5bd1), 0x01000193);
    }
  }
  const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");
  return `fnv:${hex(high)}${hex(low)}`;
}
