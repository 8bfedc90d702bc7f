import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { layerRules, packages, withoutNode } from "./layers.js";

/** @param {string} path relative to src/ */
function layerOf(path) {
  const [first, second] = path.split(sep);
  if (first === "adapters" && second !== undefined) return `adapters/${second}`;
  return path.includes(sep) ? first : path.replace(/\.[a-z.]+$/, "");
}

/** @param {string} specifier */
function packageOf(specifier) {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Reports imports that leave their direction, with the reason written in layers.js. Paths are compared as text, so it needs no resolver. */
export const importDirections = {
  meta: { type: "problem", schema: [], messages: { no: "{{ layer }} may not import {{ what }}: {{ because }}." } },
  create(context) {
    const root = join(context.cwd, "src");
    const file = relative(root, context.filename);
    if (file.startsWith("..")) return {};
    const layer = layerOf(file);
    const rules = layerRules(layer);

    function check(node, specifier, typeOnly) {
      const report = (what, because) => context.report({ node, messageId: "no", data: { layer, what, because } });
      if (rules === undefined) return report("anything", `build/lint/layers.js has no rule for src/${layer} yet`);
      if (specifier.startsWith(".")) {
        const target = layerOf(relative(root, join(dirname(context.filename), specifier)));
        if (target === "index")
          return report("src/index.ts", "it is the surface for hosts, and importing it makes a cycle");
        if (target !== layer && !rules.may.includes(target)) report(target, rules.because);
      } else if (isBuiltin(specifier)) {
        if (withoutNode.includes(layer) && !typeOnly) report(specifier, rules.because);
      } else {
        const name = packageOf(specifier);
        const rule = packages[name];
        if (rule === undefined) report(name, "build/lint/layers.js does not list this package");
        else if (!rule.in.includes(layer) && !(typeOnly && rule.typesAnywhere)) report(name, rule.because);
      }
    }

    const typeOnly = (node) =>
      node.importKind === "type" ||
      node.exportKind === "type" ||
      (node.specifiers?.length > 0 && node.specifiers.every((s) => s.importKind === "type" || s.exportKind === "type"));
    const declaration = (node) => node.source && check(node.source, node.source.value, typeOnly(node));
    return {
      ImportDeclaration: declaration,
      ExportNamedDeclaration: declaration,
      ExportAllDeclaration: declaration,
      ImportExpression: (node) => node.source.type === "Literal" && check(node.source, node.source.value, false),
    };
  },
};
