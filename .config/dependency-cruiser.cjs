/**
 * The direction of imports in core/ (core/README.md): a layer may import itself and the layers before it, never a later one;
 * no cycles; and nothing from Node below `scenario`, so that the machine runs in a browser. Tests may use Node.
 * That each npm package is touched by one file is checked by scripts/check-imports.mjs.
 */

/** In order. */
const LAYERS = [
  ["util"],
  ["events"],
  ["machine"],
  ["guest"],
  ["monitor"],
  ["host"],
  ["container"],
  ["system"],
  ["scenario"],
  ["results", "charts"],
  ["lab"],
  ["cli"],
  ["notebook", "index.ts"],
];
const BROWSER_SAFE = ["util", "events", "machine", "guest", "monitor", "container", "host", "system"];
const TESTS = "([.]test[.]ts$|/testing/)";

const inside = (names) =>
  `^core/(${names.map((name) => (name.endsWith(".ts") ? `${name}$` : `${name}/`)).join("|")})`;

const layerRules = LAYERS.slice(0, -1).map((layer, index) => ({
  name: `layers-above-${layer.join("-").replace(".ts", "")}`,
  comment: `core/${layer.join(", core/")} may not import a layer that builds on it`,
  severity: "error",
  from: { path: inside(layer), pathNot: TESTS },
  to: { path: inside(LAYERS.slice(index + 1).flat()) },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "cycles",
      comment: "two files that need each other are one file, or want a third (types alone may go round)",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "node-below-scenario",
      comment: "must run in a browser: files, processes and clocks enter at the edges",
      severity: "error",
      from: { path: inside(BROWSER_SAFE), pathNot: TESTS },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "packages-below-scenario",
      comment: "the simulated computer needs no npm package",
      severity: "error",
      from: { path: inside(BROWSER_SAFE), pathNot: TESTS },
      to: { dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer"] },
    },
    {
      name: "development-packages",
      comment: "code that ships may not import a development dependency",
      severity: "error",
      from: { path: "^core/", pathNot: TESTS },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "tests-imported",
      comment: "code that ships may not import tests or their helpers",
      severity: "error",
      from: { path: "^core/", pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: "unresolvable",
      comment: "the file or package is not there",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
