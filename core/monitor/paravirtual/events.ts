/**
 * The page that monitor and guest share, and event channels, which stand for interrupts: a bit for each that is pending, a
 * mask for each, one mask for the processor (event_channel.h).
 */
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { ERROR, OK, SHARED } from "./abi.js";

/** What a channel is bound to (evtchn_status). */
export type Binding =
  /** Waits for somebody to connect. */
  | { readonly status: "unbound" }
  | { readonly status: "interdomain"; readonly peer: number }
  | { readonly status: "pirq" | "virq"; readonly number: number }
  | { readonly status: "ipi" };

export class EventChannels {
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly channels: number;
  private readonly selector: number;
  private readonly pending = SHARED.channels / 4;
  private readonly masks: number;
  /** By channel; channel 0 is none. */
  private readonly bindings: (Binding | undefined)[] = [undefined];

  constructor(
    hardware: CodeMachine,
    readonly frame: Hfn,
    private readonly wordBytes: 4 | 8,
  ) {
    const wordBits = 8 * wordBytes;
    this.bytes = hardware.ram.subarray(frame * 4096, frame * 4096 + 4096);
    this.words = hardware.machine.ram.subarray(frame * 1024, frame * 1024 + 1024);
    this.channels = wordBits * wordBits;
    this.selector = wordBytes / 4;
    this.masks = this.pending + this.channels / 32;
    this.words.fill(0);
    this.words.fill(-1, this.masks, this.masks + this.channels / 32);
    this.isMasked = true;
  }

  /** Events are kept from the processor. */
  get isMasked(): boolean {
    return this.bytes[SHARED.upcallMask] !== 0;
  }
  set isMasked(on: boolean) {
    this.bytes[SHARED.upcallMask] = on ? 1 : 0;
  }
  get isPending(): boolean {
    return this.bytes[SHARED.upcallPending] !== 0;
  }
  /** The guest is to be called. */
  get wantsUpcall(): boolean {
    return this.isPending && !this.isMasked;
  }

  /** Address of the last page fault, halves. */
  setFaultAddress(low: number, high: number): void {
    const at = 2 * this.selector;
    this.words[at] = low;
    if (this.wordBytes === 8) this.words[at + 1] = high;
  }

  /** A word of the page by its offset in bytes. */
  setWord(offset: number, value: number): void {
    this.words[offset / 4] = value;
  }

  /** The lowest channel that is free; 0, which is none, when there is none. */
  bind(binding: Binding): number {
    const free = this.bindings.indexOf(undefined, 1);
    const channel = free < 0 ? this.bindings.length : free;
    if (channel >= this.channels) return 0;
    this.bindings[channel] = binding;
    return channel;
  }

  /** Whether there is such a channel, free or not. */
  exists(channel: number): boolean {
    return channel > 0 && channel < this.channels;
  }

  /** What a channel is bound to; undefined where it is free. */
  binding(channel: number): Binding | undefined {
    return this.bindings[channel];
  }

  /** A channel that waited has another end now. */
  connect(channel: number, peer: number): void {
    this.bindings[channel] = { status: "interdomain", peer };
  }

  /** A channel is free again; its other end waits. */
  close(channel: number): void {
    const binding = this.bindings[channel];
    if (binding?.status === "interdomain") this.bindings[binding.peer] = { status: "unbound" };
    this.bindings[channel] = undefined;
    this.words[this.pending + (channel >>> 5)]! &= ~(1 << (channel & 31));
  }

  send(channel: number): void {
    const bit = 1 << (channel & 31);
    const at = channel >>> 5;
    this.words[this.pending + at]! |= bit;
    if ((this.words[this.masks + at]! & bit) === 0) this.notify(channel);
  }

  unmask(channel: number): number {
    if (channel >= this.channels) return ERROR.invalid;
    const bit = 1 << (channel & 31);
    const at = channel >>> 5;
    const wasMasked = (this.words[this.masks + at]! & bit) !== 0;
    this.words[this.masks + at]! &= ~bit;
    if (wasMasked && (this.words[this.pending + at]! & bit) !== 0) this.notify(channel);
    return OK;
  }

  private notify(channel: number): void {
    const word = Math.floor(channel / (8 * this.wordBytes));
    this.words[this.selector + (word >>> 5)]! |= 1 << (word & 31);
    this.bytes[SHARED.upcallPending] = 1;
  }
}
