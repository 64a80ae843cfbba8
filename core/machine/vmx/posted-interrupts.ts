/**
 * A posted-interrupt descriptor in memory (Intel SDM vol. 3, 30.6, table 30-1): who has an interrupt for a virtual CPU notes its vector
 * there; the processor on which that runs takes all of them at once when the notification arrives, without an exit.
 *
 *      bits 255..0  PIR, one a vector      256  ON, outstanding notification      257  SN, suppress notification
 *           279..272  NV, the notification's vector (as the bits of VT-d's descriptor are)
 */
const PIR_WORDS = 8;
const STATE_WORD = 8;
export const POSTED = { outstanding: 1, suppress: 2, vectorShift: 16 } as const;

export class PostedInterrupts {
  private readonly words: Int32Array;

  /** @param ram of the machine. @param address of the descriptor, bytes, a multiple of 64. */
  constructor(ram: Int32Array, address: number) {
    const first = address / 4;
    this.words = ram.subarray(first, first + 2 * PIR_WORDS);
  }

  /** @param vector of the notification. */
  clear(vector: number): void {
    this.words.fill(0);
    this.words[STATE_WORD] = vector << POSTED.vectorShift;
  }

  /** Notes an interrupt. Returns whether the processor is to be notified: none is outstanding, and they are not suppressed. */
  post(vector: number): boolean {
    const { words } = this;
    words[vector >> 5]! |= 1 << (vector & 31);
    if ((words[STATE_WORD]! & (POSTED.outstanding | POSTED.suppress)) !== 0) return false;
    words[STATE_WORD]! |= POSTED.outstanding;
    return true;
  }

  get isOutstanding(): boolean {
    return (this.words[STATE_WORD]! & POSTED.outstanding) !== 0;
  }

  /** Posted-interrupt processing: ON is cleared, and PIR emptied into the virtual IRR. @param request puts a vector there. */
  take(request: (vector: number) => void): void {
    const { words } = this;
    words[STATE_WORD]! &= ~POSTED.outstanding;
    for (let word = 0; word < PIR_WORDS; word++) {
      let bits = words[word]!;
      words[word] = 0;
      for (; bits !== 0; bits &= bits - 1) request(word * 32 + (31 - Math.clz32(bits & -bits)));
    }
  }
}
