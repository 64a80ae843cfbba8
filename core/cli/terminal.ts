/**
 * The two streams of the process. Answers go to stdout, everything about the way there (progress, notes, errors) to stderr.
 * Colour only where a person looks: on a TTY without NO_COLOR (no-color.org). A closed pipe is no error: `| head` is a
 * fair way to read, and the run's files are written all the same.
 */
type Stream = NodeJS.WriteStream;

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Style = keyof typeof STYLES;

/** Where stdout is a file or a pipe. */
const WIDTH_ELSEWHERE = 120;

export type Paint = (style: Style, text: string) => string;

export interface Terminal {
  /** One line (or several) on stdout. */
  print(text: string): void;
  /** Text as it is on stdout: it ends where it ends. */
  write(text: string): void;
  /** One line (or several) on stderr. */
  note(text: string): void;
  /** Replaces the line that the cursor is on, on stderr; "" clears it. Only where `isLive`. */
  redraw(line: string): void;
  /** Whether stderr is a terminal that can redraw a line. */
  readonly isLive: boolean;
  /** Columns for tables on stdout: its own where it is a terminal, else enough for whole names. */
  readonly width: number;
  /** Columns of stderr where it is a terminal. */
  readonly columns: number;
  readonly paint: Paint;
  readonly paintNote: Paint;
}

/** The terminal of this process. */
export function processTerminal(environment: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  return {
    print: (text) => void stdout.write(`${text}\n`),
    write: (text) => void stdout.write(text),
    note: (text) => void stderr.write(`${text}\n`),
    redraw: (line) => void stderr.write(`\r\u001b[2K${line}`),
    isLive: stderr.isTTY === true && environment["TERM"] !== "dumb",
    width: stdout.columns || WIDTH_ELSEWHERE,
    columns: stderr.columns || 100, // 0 where the size is not known
    paint: paintFor(stdout, environment),
    paintNote: paintFor(stderr, environment),
  };
}

function paintFor(stream: Stream, environment: NodeJS.ProcessEnv): Paint {
  const isPlain = !stream.isTTY || Boolean(environment["NO_COLOR"]) || environment["TERM"] === "dumb";
  return isPlain ? (_style, text) => text : (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
