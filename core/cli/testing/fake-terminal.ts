/** A terminal that keeps what is written to it. */
import type { Terminal } from "../terminal.js";

export interface FakeTerminal extends Terminal {
  readonly out: string[];
  readonly err: string[];
  /** Every line drawn in place. */
  readonly drawn: string[];
}

export function fakeTerminal(options: { isLive?: boolean; columns?: number } = {}): FakeTerminal {
  const [out, err, drawn]: string[][] = [[], [], []];
  const plain = (_style: string, text: string): string => text;
  return {
    out: out!,
    err: err!,
    drawn: drawn!,
    print: (text) => void out!.push(text),
    write: (text) => void out!.push(text),
    note: (text) => void err!.push(text),
    redraw: (line) => void drawn!.push(line),
    isLive: options.isLive ?? false,
    columns: options.columns ?? 100,
    width: 100,
    paint: plain,
    paintNote: plain,
  };
}
