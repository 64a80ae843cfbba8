/**
 * Rich output to whichever kernel runs the cell: tslab, Deno, or none (a plain script prints the text). Jupyter calls one output
 * in several formats a MIME bundle (jupyter-client, "Messaging", display_data); the front end takes the richest it knows.
 *
 * tslab's public API sends one format at a time, so the bundle goes by the function that its API calls. Only a kernel's own
 * process has tslab loaded: it is looked for among loaded modules, never imported.
 */
import { createRequire } from "node:module";

/** One output: each format by its MIME type, and what front ends should know of a format. */
export interface MimeBundle {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

type Send = (bundle: MimeBundle, id: string | undefined, isUpdate: boolean) => void | Promise<void>;

interface TslabModule {
  readonly lastWriteDisplayData:
    | null
    | ((content: MimeBundle & { transient: Readonly<Record<string, string>> }, isUpdate: boolean) => void);
}
interface DenoGlobal {
  readonly jupyter?: { broadcast(type: string, content: object): Promise<void> };
}

/** The kernel's way to send; undefined where no kernel runs this process. */
function sender(): Send | undefined {
  const deno = (globalThis as { Deno?: DenoGlobal }).Deno?.jupyter;
  if (deno !== undefined)
    return (bundle, id, isUpdate) =>
      deno.broadcast(isUpdate ? "update_display_data" : "display_data", contentOf(bundle, id));
  const tslab = loadedTslab();
  const write = tslab?.lastWriteDisplayData;
  return write ? (bundle, id, isUpdate) => write(contentOf(bundle, id), isUpdate) : undefined;
}

function contentOf(bundle: MimeBundle, id: string | undefined) {
  return { ...bundle, transient: (id === undefined ? {} : { display_id: id }) as Record<string, string> };
}

function loadedTslab(): TslabModule | undefined {
  const { cache } = createRequire(import.meta.url);
  const name = Object.keys(cache).find((file) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file));
  return name === undefined ? undefined : (cache[name]?.exports as TslabModule);
}

/** Shows a bundle under the cell; without a kernel its text goes to stdout. */
export async function display(bundle: MimeBundle): Promise<void> {
  const send = sender();
  if (send === undefined) console.log(bundle.data["text/plain"]);
  else await send(bundle, undefined, false);
}

let displays = 0;

/** An output that is replaced in place. Without a kernel only what `end` gives is printed. */
export class LiveOutput {
  private readonly id = `virtlab-${process.pid}-${++displays}`;
  private readonly send = sender();
  private isShown = false;

  replace(bundle: MimeBundle): void {
    void this.send?.(bundle, this.id, this.isShown);
    this.isShown = true;
  }

  async end(bundle: MimeBundle): Promise<void> {
    if (this.send === undefined) console.log(bundle.data["text/plain"]);
    else await this.send(bundle, this.id, this.isShown);
  }
}

/**
 * Aborts when the user stops the cell (Jupyter's "interrupt" is SIGINT to the kernel).
 * @returns the signal, and what gives SIGINT back to the kernel
 */
export function cellInterruption(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on("SIGINT", stop);
  return { signal: controller.signal, end: () => void process.off("SIGINT", stop) };
}
