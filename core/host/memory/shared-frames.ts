/**
 * Frames that equal pages share, by what they hold: KSM's stable tree. Identities are dense numbers, so the tree is an array:
 * how many pages refer to the frame that holds an identity. Hot code.
 *
 * Left out: max_page_sharing (256), which gives a frame that very many share a few copies: at most 0.4% more frames.
 */
import type { ContentId } from "../contracts.js";
import { grown } from "../growable.js";

export class SharedFrames {
  /** Pages that share the frame of an identity; 0: there is no such frame. */
  private sharers = new Uint32Array(1024);
  /** Frames that are shared, and pages that share them. */
  frames = 0;
  pages = 0;

  has(content: ContentId): boolean {
    return content < this.sharers.length && this.sharers[content]! > 0;
  }

  /** Another page refers to the frame; the first one brings it. */
  join(content: ContentId): void {
    this.sharers = grown(this.sharers, content + 1);
    if (this.sharers[content]!++ === 0) this.frames++;
    this.pages++;
  }

  /** A page refers to it no more. True when it was the last, and the frame is free. */
  leave(content: ContentId): boolean {
    this.pages--;
    if (--this.sharers[content]! > 0) return false;
    this.frames--;
    return true;
  }
}
