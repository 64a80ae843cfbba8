/**
 * The bare processor: the same object code of a program that needs no privilege, linked into a process of Linux
 * (core/guest/programs/runtime/linux.c). Built here by gcc, once a run.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { buildNative, toolVersions } from "../build-programs.mjs";

const folderOf = (folder) => path.join(folder, "bare");

export const bare = {
  name: "bare",
  title: "bare processor",
  async unavailable() {
    if (process.platform !== "linux" || process.arch !== "x64") return "not Linux on x86-64";
    return (await toolVersions()) === undefined ? "gcc and binutils are not installed" : undefined;
  },
  /** Builds the processes of the programs that it can run, before anything is timed. */
  async prepare(programs, width, folder) {
    mkdirSync(folderOf(folder));
    const names = programs.filter((program) => program.runsNatively).map((program) => program.name);
    await buildNative([...new Set(names)], width, folderOf(folder));
  },
  cannotRun: (program) => (program.runsNatively ? undefined : "needs privilege"),
  command: ({ program, folder, ownLine }) => ({
    file: path.join(folderOf(folder), program),
    args: ownLine.split(" "),
  }),
};
