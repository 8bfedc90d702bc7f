import { basename, dirname, relative } from "node:path";

/** Files are named in kebab case after their main export; a folder called utils says nothing about what is inside. */
export const fileNames = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: {
      file: "{{ name }}: file names are in kebab case.",
      folder: "A folder or file called {{ name }} collects what has no place: name the idea instead.",
    },
  },
  create(context) {
    return {
      Program(node) {
        const path = relative(context.cwd, context.filename);
        const file = basename(path).replace(/\.(test-d|test|config|d)?\.?[cm]?[jt]s$/, "");
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(file)) context.report({ node, messageId: "file", data: { name: file } });
        // test/types is the one exception: type tests are about types.
        const folders = path.startsWith("test/types/") ? [] : dirname(path).split("/");
        const vague = [...folders, file].find((part) => /^(utils?|common|helpers?|types?|misc|shared)$/.test(part));
        if (vague !== undefined) context.report({ node, messageId: "folder", data: { name: vague } });
      },
    };
  },
};

/** A lint rule may be switched off where the code has a reason; the reason stands behind ` -- `. */
export const arguedDisable = {
  meta: { type: "problem", schema: [], messages: { argue: "Say why: // eslint-disable-next-line rule -- reason" } },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (/^\s*eslint-disable/.test(comment.value) && !/\s--\s+\S/.test(comment.value)) {
            // Reported on the first line, which the comment itself cannot switch off.
            context.report({ loc: comment.loc, messageId: "argue" });
          }
        }
      },
    };
  },
};
