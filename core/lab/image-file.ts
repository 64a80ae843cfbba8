/** An image file on a computer of its own, for commands that look into a guest (core/guest/inspect/). */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { findProfile, PROFILES } from "../events/profiles/index.js";
import type { BootPlan } from "../guest/images/boot-plan.js";
import { loadImage } from "../guest/images/image.js";
import { Computer } from "../machine/computer.js";
import { UserError } from "../util/errors.js";

export interface ImageFileOptions {
  readonly image: string;
  readonly append?: string | undefined;
  readonly initrd?: string | undefined;
  readonly profile?: string | undefined;
  readonly memoryMiB?: number | undefined;
  readonly engine?: "interpreter" | "translator" | undefined;
}

const DEFAULT_PROFILE = "skylake-2015";
const DEFAULT_MEMORY_MIB = 128;
const MIB = 2 ** 20;

export interface ImageFile {
  readonly plan: BootPlan;
  /** A new computer with the image loaded, ready to start. */
  readonly make: (engine?: "interpreter" | "translator") => Computer;
}

/** @throws UserError when a file cannot be read, is no image, or the profile does not exist. */
export function openImageFile(options: ImageFileOptions): ImageFile {
  const profileName = options.profile ?? DEFAULT_PROFILE;
  const profile = findProfile(profileName);
  if (profile === undefined) {
    throw new UserError(`no profile is called ${profileName}`, {
      mend: `one of ${PROFILES.map(({ name }) => name).join(", ")}`,
    });
  }
  const memoryBytes = (options.memoryMiB ?? DEFAULT_MEMORY_MIB) * MIB;
  const modules =
    options.initrd === undefined ? [] : [{ name: basename(options.initrd), bytes: readFile(options.initrd) }];
  const plan = loadImage(readFile(options.image), {
    name: basename(options.image),
    append: options.append ?? "",
    memoryBytes,
    modules,
  });
  return {
    plan,
    make: (engine = options.engine ?? "translator") => {
      const computer = new Computer({
        profile,
        memoryBytes,
        caches: "off",
        walkCaches: true,
        tlb: true,
        seed: 1,
        engine,
      });
      computer.load(plan);
      return computer;
    },
  };
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      mend: "name a file that exists",
    });
  }
}
