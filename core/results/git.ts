/** What results ask of git: which commit this is, and files as a commit has them. */
import { spawnSync } from "node:child_process";

/** stdout of a git command without its last newline; undefined where it fails, and where there is no git or repository. */
export function git(folder: string, parameters: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", ["-C", folder, ...parameters], {
    encoding: "utf8",
    timeout: 10_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return status === 0 ? stdout.replace(/\n$/, "") : undefined;
}

/** The hash of the commit that a name means (a branch, a tag, HEAD~3); undefined where it means none. */
export function commitOf(folder: string, name: string): string | undefined {
  if (name === "" || name.startsWith("-")) return undefined;
  return git(folder, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
}

/** A file as a commit has it; undefined where it has none. @param file relative to the folder. */
export function fileAt(folder: string, commit: string, file: string): string | undefined {
  return git(folder, ["show", `${commit}:./${file}`]);
}

/** Names of the files that a commit has in a folder. */
export function filesAt(folder: string, commit: string, within: string): string[] {
  const text = git(folder, ["ls-tree", "--name-only", commit, `./${within}/`]) ?? "";
  return text
    .split("\n")
    .filter((name) => name !== "")
    .map((name) => name.split("/").at(-1)!);
}
