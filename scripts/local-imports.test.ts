/** Do imported names become constants, once, without moving a line? */
import { describe, expect, it } from "vitest";
import { localizeImports } from "./local-imports.mjs";

describe("localizeImports", () => {
  it("makes constants of named imports of our own modules, on the same line", () => {
    expect(localizeImports('import { A, B as C } from "./a.js";\nuse(A, C);\n')).toBe(
      'import { A as A$, B as C$ } from "./a.js"; const A = A$, C = C$;\nuse(A, C);\n',
    );
  });

  it("takes a comma after the last name", () => {
    expect(localizeImports('import { A, B, } from "./a.js";')).toBe(
      'import { A as A$, B as B$ } from "./a.js"; const A = A$, B = B$;',
    );
  });

  it("does it once", () => {
    const once = localizeImports('import { A } from "../a.js";');
    expect(localizeImports(once)).toBe(once);
  });

  it("leaves packages, namespaces and re-exports alone", () => {
    const code = 'import { z } from "zod";\nimport * as all from "./a.js";\nexport { A } from "./a.js";\n';
    expect(localizeImports(code)).toBe(code);
  });
});
