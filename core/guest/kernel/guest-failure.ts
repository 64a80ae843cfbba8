/**
 * The guest itself failed (out of memory, segmentation fault): its cell becomes a `failed` row, with this
 * reason.
 */
export class GuestFailure extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "GuestFailure";
  }
}
