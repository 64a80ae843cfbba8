/**
 * The branch hints of translated code (wasm/module.ts) speed it up by a fifth, and Node's engine reads them only when it is
 * told to, as long as the proposal is an experiment there. Elsewhere, and in a browser, code is right without.
 */
import { setFlagsFromString } from "node:v8";

/** First and last release of Node whose engine is known to have the option. */
const FIRST_RELEASE = 20;
const LAST_RELEASE = 24;

/** Has this process's engine heed branch hints; to be called before code is run. */
export function heedBranchHints(): void {
  const release = Number.parseInt(process.versions.node, 10);
  if (release >= FIRST_RELEASE && release <= LAST_RELEASE)
    setFlagsFromString("--experimental-wasm-branch-hinting");
}
