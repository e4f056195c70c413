import type { Plugin } from 'vite';

/** Initialisers that call something, or may hold calls. */
const calls = new Set(['CallExpression', 'NewExpression', 'ObjectExpression']);

/**
 * Marks the initialisers of the contract's constants as free of side effects, which they are. The
 * schemas stand beside plain constants; without the mark, one constant would bring all of zod
 * (60 kB) into the browser.
 */
export function pureContract(): Plugin {
  return {
    name: 'casemate-pure-contract',
    apply: 'build',
    enforce: 'post',
    transform: {
      filter: { id: /\/src\/contract\/[a-z-]+\.ts$/ },
      handler(code) {
        let marked = code;
        for (const statement of this.parse(code).body.toReversed()) {
          const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
          if (declaration?.type !== 'VariableDeclaration') continue;
          for (const { init } of declaration.declarations.toReversed()) {
            if (!init || !calls.has(init.type)) continue;
            const { start, end } = init;
            marked = `${marked.slice(0, start)}/* @__PURE__ */ (() => (${marked.slice(start, end)}))()${marked.slice(end)}`;
          }
        }
        return { code: marked, map: null };
      },
    },
  };
}
