/** Whether a program answers when it is called. */
import { spawnSync } from "node:child_process";

/** A reason why not, or undefined if it is there. */
export function missing(program, args = ["--version"]) {
  const { error } = spawnSync(program, args, { stdio: "ignore" });
  return error === undefined ? undefined : `${program} is not installed`;
}
