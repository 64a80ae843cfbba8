/**
 * Who holds what: identities of page contents, given out by name. The same name is the same contents everywhere, so two guests
 * that boot one kernel image hold the same identities, and so does the page cache of a host that has the file.
 */
import { invariant } from "../../util/errors.js";
import { type ContentId, ZERO } from "../contracts.js";

export class ContentIds {
  private readonly ranges = new Map<string, { readonly first: ContentId; readonly pages: number }>();
  /** One past the greatest identity given out. */
  end: ContentId = ZERO + 1;

  /** The identity of the first page of this content; those of the others follow. The same name always has the same length. */
  of(name: string, pages: number): ContentId {
    const known = this.ranges.get(name);
    if (known !== undefined) {
      invariant(known.pages === pages, "a content has one length", () => ({ name, known, pages }));
      return known.first;
    }
    const first = this.end;
    this.ranges.set(name, { first, pages });
    this.end += pages;
    return first;
  }
}
