import { z } from 'zod';

/**
 * What `up` and the process that speaks ACME (RFC 8555) tell each other over Node's IPC. That process
 * lives for one order; it has the account's key in memory alone, and no network but the broker's door.
 */
const pem = z.string().max(65_536).includes('-----BEGIN ');

/** What proves that a name is ours: the answer at a URL, or a TXT record. */
export const challengeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http-01'),
    token: z.string().regex(/^[A-Za-z0-9_-]{16,256}$/),
    answer: z.string().regex(/^[A-Za-z0-9_.-]{16,512}$/),
  }),
  z.strictObject({
    kind: z.literal('dns-01'),
    /** `_acme-challenge.` and the name. */
    name: z.string().regex(/^_acme-challenge\.[a-z0-9.-]{1,230}$/),
    value: z.string().regex(/^[A-Za-z0-9_-]{16,128}$/),
  }),
]);
export type Challenge = z.infer<typeof challengeSchema>;

export const toAcmeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('order'),
    directory: z.url({ protocol: /^https$/ }),
    accountKey: pem,
    names: z.array(z.string()).min(1),
    kind: z.enum(['http-01', 'dns-01']),
    /** The broker's door. */
    socket: z.string().startsWith('/'),
  }),
  /** Answers `place` and `remove`. */
  z.strictObject({ type: z.literal('done'), id: z.number().int(), problem: z.string().nullable() }),
]);
export type ToAcme = z.infer<typeof toAcmeSchema>;

export const fromAcmeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.enum(['place', 'remove']),
    id: z.number().int(),
    challenge: challengeSchema,
  }),
  z.strictObject({ type: z.literal('certificate'), certificate: pem, key: pem }),
  z.strictObject({ type: z.literal('failed'), problem: z.string().max(500) }),
]);
export type FromAcme = z.infer<typeof fromAcmeSchema>;
