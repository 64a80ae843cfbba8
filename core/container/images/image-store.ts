/** Layers by digest, and the chains that make images. Refuses what cannot be an image, with its place and the way to mend it. */
import { UserError } from "../../util/errors.js";
import type { Layer } from "./layer.js";

export interface Image {
  readonly name: string;
  /** Digest of the topmost layer. */
  readonly top: string;
}

export class ImageStore {
  private readonly layers = new Map<string, Layer>();

  /** A layer that is there already stays: it has the same contents. @returns whether it is new */
  add(layer: Layer): boolean {
    if (this.layers.has(layer.digest)) return false;
    this.layers.set(layer.digest, layer);
    return true;
  }

  has(digest: string): boolean {
    return this.layers.has(digest);
  }

  /** The layers of an image, lowest first. @throws UserError where one is missing, or the chain leads back to itself */
  chain({ name, top }: Image): Layer[] {
    const chain: Layer[] = [];
    const seen = new Set<string>();
    let digest: string | undefined = top;
    while (digest !== undefined) {
      if (seen.has(digest))
        throw new UserError(`the layers of ${name} form a cycle: ${digest} is among its own ancestors`, {
          where: `image ${name}`,
          mend: "give each layer the digest of the one below it as parent, and the lowest none",
        });
      seen.add(digest);
      const layer: Layer | undefined = this.layers.get(digest);
      if (layer === undefined)
        throw new UserError(`layer ${digest} is missing`, {
          where: `image ${name}`,
          mend: "pull the image again, or add the layer before the images that stand on it",
        });
      chain.push(layer);
      digest = layer.parent;
    }
    return chain.reverse();
  }
}
