/** Anybody's image as a workload: `workload: { image: ./my-kernel.elf, append: "…" }` is `{ name: boot, image: … }`. */
import { IMAGE_KINDS, type ImageKind } from "../../guest/images/boot-plan.js";
import { UserError } from "../../util/errors.js";
import type { ParameterSpec } from "../../util/parameters.js";
import { DEFAULT_SETTINGS } from "../settings.js";
import type { CodeWorkload } from "./workload.js";

/** Its name may be left out where the image is given. */
export const BOOT_NAME = "boot";
/** Between the paths of several files (settings.ts, `files`). */
export const FILE_SEPARATOR = ",";

const PARAMETERS = {
  image: {
    kind: "file",
    description:
      "The image: an ELF file, with a Multiboot 1 header or a PVH note or without, a Linux bzImage, or raw code.",
    default: "",
  },
  append: { kind: "text", description: "The kernel's command line.", default: "" },
  kind: {
    kind: "choice",
    description: "How the image is to be started; auto: what its contents say.",
    choices: ["auto", ...IMAGE_KINDS],
    default: "auto",
  },
  initrd: { kind: "file", description: "The initramfs of a Linux kernel: its first module.", default: "" },
  modules: { kind: "files", description: "Files handed to the kernel as modules.", default: "" },
  disk: {
    kind: "file",
    description: "Contents of the first IDE disk, sector by sector; what the guest writes is not kept.",
    default: "",
  },
  rawMode: {
    kind: "number-choice",
    description: "Mode in which raw code starts; 0: the image is not raw.",
    choices: [0, 16, 32, 64],
    default: 0,
  },
  rawAddress: {
    kind: "bytes",
    description: "Where raw code lies; 0: at 0x7c00 in 16-bit mode, else at 1 MiB.",
    default: 0,
  },
  rawEntry: { kind: "bytes", description: "Where raw code is entered; 0: at its first byte.", default: 0 },
} as const satisfies Record<string, ParameterSpec>;

/** Parameters that are paths, relative to the file that says them. */
export const FILE_PARAMETERS: ReadonlySet<string> = new Set(
  Object.entries(PARAMETERS)
    .filter(([, { kind }]) => kind === "file" || kind === "files")
    .map(([name]) => name),
);

export const BOOT: CodeWorkload = {
  name: BOOT_NAME,
  title: "An image of one's own",
  description: "Boots a freestanding kernel; it may mark its region of interest through port 0x5640.",
  source: "README.md, Your own kernel",
  parameters: PARAMETERS,
  request: ({ parameters }) => {
    const text = (name: keyof typeof PARAMETERS): string => String(parameters[name]);
    const number = (name: keyof typeof PARAMETERS): number => Number(parameters[name]);
    if (text("image") === "") {
      throw new UserError("the workload boot has no image", {
        mend: "write workload: { image: ./my-kernel.elf }",
      });
    }
    const modules = text("modules").split(FILE_SEPARATOR);
    return {
      image: text("image"),
      isShipped: false,
      kind: text("kind") as "auto" | ImageKind,
      append: text("append"),
      modules: [text("initrd"), ...modules].filter((name) => name !== ""),
      disk: text("disk"),
      raw: { mode: number("rawMode"), address: number("rawAddress"), entry: number("rawEntry") },
    };
  },
  // What else an image needs is known when it is loaded.
  unsupported: ({ page, guest }) =>
    page === DEFAULT_SETTINGS.page && guest.paging === DEFAULT_SETTINGS.guest.paging
      ? undefined
      : "an image makes its own page tables: page and guest.paging do not reach it",
};
