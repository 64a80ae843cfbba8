import { defineConfig } from "vitest/config";

const root = new URL("..", import.meta.url).pathname;

export default defineConfig({
  test: {
    root,
    include: ["core/**/*.test.ts", "scripts/**/*.test.ts"],
    globalSetup: [`${root}.config/vitest.build.ts`],
    testTimeout: 60_000,
  },
});
