import type { z } from 'zod';
import { CasemateError } from '#contract/errors.ts';

const maximumDepth = 32;
const shownIssues = 3;

/** Parses by `schema`. CasemateError `invalid_request` names where and why, and repeats nothing of the input. */
export function parseInput(schema: z.ZodType | undefined, input: unknown, part: 'body' | 'query' | 'path'): unknown {
  if (!schema) return undefined;
  assertPlainText(input, part, 0);
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, shownIssues)
    .map((issue) => `${place(part, issue.path)}: ${reason(issue)}`);
  throw new CasemateError('invalid_request', issues.join('; '));
}

/**
 * No schema of ours wants NUL or half of a surrogate pair, and neither the database nor a hash over
 * canonical JSON can keep them.
 */
function assertPlainText(value: unknown, part: string, depth: number): void {
  if (depth > maximumDepth) throw new CasemateError('invalid_request', `${part}: is nested too deep`);
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) {
      throw new CasemateError('invalid_request', `${part}: has text that is not valid Unicode, or NUL`);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      assertPlainText(key, part, depth);
      assertPlainText(member, part, depth + 1);
    }
  }
}

function place(part: string, path: readonly PropertyKey[]): string {
  // A member's name may be the caller's own words (records), so only plain ones are repeated.
  const names = path.map((name) => (/^[A-Za-z][A-Za-z0-9]{0,31}$|^\d{1,6}$/.test(String(name)) ? String(name) : '…'));
  return [part, ...names].join('.');
}

function reason(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'has members that are not known';
    case 'invalid_type':
    case 'too_big':
    case 'too_small':
    case 'invalid_value':
    case 'custom':
      return issue.message;
    case 'invalid_format':
      return `is not in the form of ${issue.format === 'regex' ? 'this field' : `a valid ${issue.format}`}`;
    default:
      return 'is not valid';
  }
}
