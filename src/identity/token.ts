import { createHash, randomBytes } from 'node:crypto';

/** 256 bits, base64url: 43 characters. */
export const mintToken = (): string => randomBytes(32).toString('base64url');

export const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

/** What is stored of a token or key. They are random, so that one SHA-256 is enough. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();
