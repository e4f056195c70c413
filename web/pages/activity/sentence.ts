import { auditCatalogue, type AuditRecord } from '#contract/audit.ts';

/** What happened, without the actor: the catalogue's sentence with the record's fields put in. */
export function sentenceOf(
  { event, fields }: Pick<AuditRecord, 'event' | 'fields'>,
  names: ReadonlyMap<string, string>,
): string {
  if (!Object.hasOwn(auditCatalogue, event)) return event;
  const { sentence } = auditCatalogue[event as keyof typeof auditCatalogue];
  return sentence.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = fields[field];
    if (value === null || value === undefined || value === '') return 'something';
    return names.get(String(value)) ?? String(value);
  });
}

/** Who did it. `people` maps ids to names. */
export function actorOf({ actor }: Pick<AuditRecord, 'actor'>, people: ReadonlyMap<string, string>): string {
  switch (actor.kind) {
    case 'user':
      return people.get(actor.id) ?? 'A person';
    case 'key':
      return 'An API key';
    case 'operator':
      return 'The operator';
    case 'sandbox':
      return 'A sandbox';
    case 'system':
      return `The ${actor.process}`;
    case 'stranger':
      return 'Somebody';
  }
}
