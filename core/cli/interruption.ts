/** Ctrl-C and SIGTERM: the first stops the run and keeps what has finished; a second ends the process at once. */
import { EXIT_CODE } from "./exit-codes.js";

export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code that the signal asks for; undefined when none came. */
  readonly exitCode: 130 | 143 | undefined;
  /** Gives the signals back to Node. */
  end(): void;
}

/** @param tell called at the first signal. */
export function interruption(tell: () => void): Interruption {
  const controller = new AbortController();
  let exitCode: 130 | 143 | undefined;
  const handler = (name: NodeJS.Signals): void => {
    const isFirst = exitCode === undefined;
    exitCode = name === "SIGTERM" ? EXIT_CODE.terminated : EXIT_CODE.interrupted;
    if (!isFirst) process.exit(exitCode);
    tell();
    controller.abort();
  };
  process.on("SIGINT", handler).on("SIGTERM", handler);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    end: () => void process.off("SIGINT", handler).off("SIGTERM", handler),
  };
}
