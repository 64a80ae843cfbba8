/** The entry of `npm run bench` and `npm run virtlab`: builds dist/ when a source is newer, then runs the command line here. */
import { buildIfStale } from "./build.mjs";

if (buildIfStale()) await import("../dist/cli/main.js");
else process.exitCode = 2;
