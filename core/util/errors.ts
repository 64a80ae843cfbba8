/**
 * The three kinds of error, and no others (core/README.md, "What must always hold").
 *
 * - A *guest* fault is a value, never an exception: a guest may fault, and that is a result.
 * - A `UserError` is the reader's to mend: it says where and how. The command line exits with code 2.
 * - A failed `invariant` is our bug: it says enough to replay.
 */

/** Something the user can mend. `where` is a place such as `ept.yaml:12:5`; `mend` says what to do. */
export class UserError extends Error {
  readonly where: string | undefined;
  readonly mend: string | undefined;

  constructor(message: string, options: { where?: string; mend?: string } = {}) {
    super(message);
    this.name = "UserError";
    this.where = options.where;
    this.mend = options.mend;
  }

  /** The whole text for a person: place, message, and how to mend it, one line each. */
  get text(): string {
    const head = this.where === undefined ? this.message : `${this.where}: ${this.message}`;
    return this.mend === undefined ? head : `${head}\n  ${this.mend}`;
  }

  /** What Node prints of it, in a notebook's cell too: the text, for where the code threw it helps nobody to mend it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.name}: ${this.text}`;
  }
}

/** A combination that the lab does not support; a cell that throws it becomes an `unsupported` row. */
export class UnsupportedError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UnsupportedError";
  }
}

/** Our bug if it does not hold. `context` is evaluated only on failure. */
export function invariant(condition: boolean, message: string, context?: () => unknown): asserts condition {
  if (condition) return;
  const detail = context === undefined ? "" : ` ${JSON.stringify(context())}`;
  throw new Error(`invariant failed: ${message}${detail}`);
}
