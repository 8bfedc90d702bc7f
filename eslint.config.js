import { defineConfig } from "eslint/config";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";
import { arguedDisable, fileNames } from "./build/lint/house-rules.js";
import { importDirections } from "./build/lint/import-directions.js";
import {
  restrictedGlobals,
  restrictedImports,
  restrictedProperties,
  stateSyntax,
  timeSyntax,
} from "./build/lint/outside-world.js";

const millrace = {
  rules: { "import-directions": importDirections, "file-names": fileNames, "argued-disable": arguedDisable },
};

const publicSyntax = [
  { selector: "ExportAllDeclaration", message: "Name what is exported: the surface is read, not guessed." },
  { selector: "ExportDefaultDeclaration", message: "Named exports only: one name for one thing." },
  {
    selector: "TSAsExpression > TSAsExpression[typeAnnotation.type='TSUnknownKeyword']",
    message: "`as unknown as` says anything about anything: narrow the value, or fix the type.",
  },
];

export default defineConfig(
  { ignores: ["dist", "coverage", ".tmp"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },

  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [createNodeResolver({ extensions: [".ts"], extensionAlias: { ".js": [".ts"] } })],
      "import-x/extensions": [".ts"],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-floating-promises": ["error", { checkThenables: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // An async method without await is how an implementation of a port turns a throw into a rejection.
      "@typescript-eslint/require-await": "off",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-self-compare": "error",
      "import-x/no-cycle": "error",
    },
  },

  {
    files: ["src/**/*.ts"],
    rules: {
      "no-console": "error",
      "max-lines": ["error", { max: 300 }],
      "no-restricted-properties": ["error", ...restrictedProperties],
      "no-restricted-globals": ["error", ...restrictedGlobals],
      "no-restricted-imports": ["error", restrictedImports],
      "no-restricted-syntax": ["error", ...publicSyntax, ...timeSyntax, ...stateSyntax],
      "@typescript-eslint/no-empty-function": "error",
    },
  },
  {
    // The adapters that are the outside: the system clock, ids and timers.
    files: ["src/adapters/system/**/*.ts"],
    rules: {
      "no-restricted-properties": "off",
      "no-restricted-globals": "off",
      "no-restricted-imports": "off",
      "no-restricted-syntax": ["error", ...publicSyntax, ...stateSyntax],
    },
  },
  {
    // A declaration of `*?worker-source` has to have a default export.
    files: ["src/**/*.d.ts"],
    rules: { "no-restricted-syntax": "off" },
  },

  {
    files: ["test/**/*.ts", "docs/examples/**/*.ts", "build/**/*.ts", "*.ts"],
    rules: {
      // Tests look at rows, JSON and thrown values, whose types are not the point; the assertion is.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // `expect(object.method)` is a normal thing to write.
      "@typescript-eslint/unbound-method": "off",
    },
  },

  {
    files: ["**/*.{js,mjs,ts}"],
    plugins: { millrace },
    rules: {
      "millrace/import-directions": "error",
      "millrace/file-names": "error",
      "millrace/argued-disable": "error",
    },
  },
);
