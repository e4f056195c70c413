import { parseSync, Visitor } from 'oxc-parser';

export interface Import {
  /** The specifier, or null where it is computed and so cannot be judged. */
  readonly specifier: string | null;
  /** Names taken from it; empty for whole-module and side-effect imports. */
  readonly names: readonly string[];
  readonly line: number;
}

/** Every import of a TypeScript file: static, re-exported, type-only, `import()` and `import('x').T`. */
export function readImports(file: string, source: string): Import[] {
  const parsed = parseSync(file, source);
  const failure = parsed.errors[0];
  if (failure) throw new Error(`${file}: cannot be parsed: ${failure.message}`);
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length;
  const found: Import[] = [];

  for (const statement of parsed.module.staticImports) {
    const names = statement.entries.flatMap((entry) => (entry.importName.name ? [entry.importName.name] : []));
    found.push({ specifier: statement.moduleRequest.value, names, line: lineAt(statement.start) });
  }
  for (const statement of parsed.module.staticExports) {
    for (const entry of statement.entries) {
      if (!entry.moduleRequest) continue;
      const names = entry.importName.name ? [entry.importName.name] : [];
      found.push({ specifier: entry.moduleRequest.value, names, line: lineAt(entry.start) });
    }
  }
  new Visitor({
    ImportExpression(node) {
      const literal =
        node.source.type === 'Literal' && typeof node.source.value === 'string' ? node.source.value : null;
      found.push({ specifier: literal, names: [], line: lineAt(node.start) });
    },
    TSImportType(node) {
      found.push({ specifier: node.source.value, names: [], line: lineAt(node.start) });
    },
    MemberExpression(node) {
      // process.getBuiltinModule('child_process') is an import that no import statement shows.
      const property = node.property;
      const name = property.type === 'Identifier' ? property.name : property.type === 'Literal' ? property.value : null;
      if (name === 'getBuiltinModule') found.push({ specifier: null, names: [], line: lineAt(node.start) });
    },
  }).visit(parsed.program);
  return found;
}
