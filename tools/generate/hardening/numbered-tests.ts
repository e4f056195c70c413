import { parseSync, Visitor } from 'oxc-parser';

export interface NumberedTest {
  readonly item: number;
  /** Without the number; what a loop fills in is `…`. */
  readonly name: string;
}

const containers = new Set(['describe', 'suite']);
const leaves = new Set(['test', 'it']);
const numbered = /^H(\d+) +(.*)$/s;

/**
 * The tests of a file whose name begins with `H<n> `, or whose enclosing suite's does, in order of
 * the text. A suite alone is no test and is not counted.
 */
export function numberedTests(file: string, source: string): NumberedTest[] {
  const parsed = parseSync(file, source);
  const failure = parsed.errors[0];
  if (failure) throw new Error(`${file}: cannot be parsed: ${failure.message}`);
  const found: NumberedTest[] = [];
  const suites: string[] = [];
  /** `test`, `it`, `describe` or `suite`, called by itself or as a method (`t.test`); else null. */
  const kindOf = (callee: { type: string; name?: string; property?: { type: string; name?: string } }) => {
    const name = callee.type === 'MemberExpression' ? callee.property?.name : callee.name;
    return name !== undefined && (containers.has(name) || leaves.has(name)) ? name : null;
  };
  const nameOf = (argument: unknown): string | null => {
    const node = argument as { type: string; value?: unknown; quasis?: { value: { cooked: string | null } }[] };
    if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
    if (node?.type === 'TemplateLiteral') return (node.quasis ?? []).map(({ value }) => value.cooked ?? '').join('…');
    return null;
  };
  new Visitor({
    CallExpression(node) {
      const kind = kindOf(node.callee as Parameters<typeof kindOf>[0]);
      const name = kind === null ? null : nameOf(node.arguments[0]);
      if (kind === null || name === null) return;
      if (containers.has(kind)) {
        suites.push(name);
        return;
      }
      const suite = numbered.exec(suites.at(-1) ?? '');
      const own = numbered.exec(name);
      const [, item, rest] = own ?? (suite ? [null, suite[1], name] : []);
      if (item === undefined || item === null) return;
      // A suite of the same item begins the sentence that its tests end.
      const lead = suite && suite[1] === item ? `${suite[2]}: ` : '';
      found.push({ item: Number(item), name: `${lead}${rest}` });
    },
    'CallExpression:exit'(node) {
      const kind = kindOf(node.callee as Parameters<typeof kindOf>[0]);
      if (kind !== null && containers.has(kind) && nameOf(node.arguments[0]) !== null) suites.pop();
    },
  }).visit(parsed.program);
  return found;
}
