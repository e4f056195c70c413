import { auditCatalogue, type AuditEventName, type FieldClass } from '#contract/audit.ts';
import { CasemateError } from '#contract/errors.ts';

type Value = string | number | boolean | null;

/** Characters of one value; the rest is cut, and an ellipsis says so. */
const maximumValueLength = 4096;

/** What PostgreSQL's JSON cannot hold (NUL, lone surrogates) is replaced, and what is too long is cut. */
export function cleanText(text: string): string {
  const whole = text.replaceAll('\0', '\u{fffd}').toWellFormed();
  return whole.length <= maximumValueLength ? whole : `${whole.slice(0, maximumValueLength).toWellFormed()}…`;
}

/**
 * Applies the catalogue's classes: `record` is kept, `digest` becomes its HMAC. Exactly the event's
 * own fields are taken; others, and missing ones, are CasemateError `internal`, also where types were cast away.
 */
export function classFields(
  event: AuditEventName,
  fields: Readonly<Record<string, Value>>,
  digest: (value: string) => string,
): Record<string, Value> {
  const contract = Object.hasOwn(auditCatalogue, event) ? auditCatalogue[event] : undefined;
  if (!contract) throw new CasemateError('internal', 'There is no such audit event');
  const classes: Readonly<Record<string, FieldClass>> = contract.fields;
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(classes, name))
      throw new CasemateError('internal', `The audit event ${event} has a field that is not its own`);
  }
  const classed: Record<string, Value> = {};
  for (const [name, fieldClass] of Object.entries(classes)) {
    const value = fields[name];
    if (value === undefined) throw new CasemateError('internal', `The audit event ${event} lacks the field ${name}`);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new CasemateError('internal', `The field ${name} of the audit event ${event} is not a number`);
    }
    if (value === null) classed[name] = null;
    else if (fieldClass === 'digest') classed[name] = digest(String(value));
    else classed[name] = typeof value === 'string' ? cleanText(value) : value;
  }
  return classed;
}
