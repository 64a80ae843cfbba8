/**
 * A union mount: layers laid over one another, a writable one on top. Look-up goes from the top down and stops at the first
 * layer that has the name or says that it is gone (a whiteout); writing to a file of a lower layer copies it up first; removing
 * one leaves a whiteout. So overlayfs (Linux, Documentation/filesystems/overlayfs.rst) and AUFS do it, for whole files.
 */
import type { Layer, LayerFile } from "../images/layer.js";

/** Where a name was found, and how many layers were asked. */
export interface Lookup {
  readonly file: LayerFile | undefined;
  /** Index of the layer, the writable one counted last; -1 when there is no such file. */
  readonly layer: number;
  readonly probes: number;
}

/** A whiteout in the writable layer. */
const GONE = "gone";

export class UnionMount {
  private readonly upper = new Map<string, LayerFile | typeof GONE>();
  private readonly lower: readonly { files: Map<string, LayerFile>; gone: Set<string> }[];
  /** Bytes that were copied from lower layers, and how many files. */
  readonly copied = { files: 0, bytes: 0 };

  /** @param layers lowest first */
  constructor(layers: readonly Layer[]) {
    this.lower = layers.map(({ files, whiteouts }) => ({
      files: new Map(files.map((file) => [file.path, file])),
      gone: new Set(whiteouts),
    }));
  }

  lookup(path: string): Lookup {
    const top = this.lower.length;
    const own = this.upper.get(path);
    if (own !== undefined) return own === GONE ? absent(1) : { file: own, layer: top, probes: 1 };
    for (let layer = top - 1; layer >= 0; layer--) {
      const { files, gone } = this.lower[layer]!;
      const file = files.get(path);
      const probes = top - layer + 1;
      if (file !== undefined) return { file, layer, probes };
      if (gone.has(path)) return absent(probes);
    }
    return absent(top + 1);
  }

  /**
   * Opens for writing, or creates; the file then has `bytes` and holds something of its own.
   * @returns bytes that had to be copied up first
   */
  write(path: string, bytes: number, content: string): number {
    const { file, layer } = this.lookup(path);
    const isLower = file !== undefined && layer < this.lower.length;
    if (isLower) {
      this.copied.files++;
      this.copied.bytes += file.bytes;
    }
    this.upper.set(path, { path, bytes, content });
    return isLower ? file.bytes : 0;
  }

  /** @returns whether there was such a file */
  remove(path: string): boolean {
    const { file } = this.lookup(path);
    if (file === undefined) return false;
    const isBelow = this.lower.some(({ files }) => files.has(path));
    if (isBelow) this.upper.set(path, GONE);
    else this.upper.delete(path);
    return true;
  }

  /** All files that are seen, by path. */
  visible(): Map<string, LayerFile> {
    const seen = new Map<string, LayerFile>();
    for (const { files, gone } of this.lower) {
      for (const path of gone) seen.delete(path);
      for (const [path, file] of files) seen.set(path, file);
    }
    for (const [path, file] of this.upper) {
      if (file === GONE) seen.delete(path);
      else seen.set(path, file);
    }
    return seen;
  }

  /** Bytes of the writable layer. */
  get upperBytes(): number {
    let bytes = 0;
    for (const file of this.upper.values()) if (file !== GONE) bytes += file.bytes;
    return bytes;
  }
}

function absent(probes: number): Lookup {
  return { file: undefined, layer: -1, probes };
}
