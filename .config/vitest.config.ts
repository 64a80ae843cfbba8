import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { root: new URL("..", import.meta.url).pathname, include: ["core/**/*.test.ts", "scripts/**/*.test.ts"], testTimeout: 60_000 },
});
