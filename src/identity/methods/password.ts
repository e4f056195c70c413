import { argon2, type Argon2Parameters, randomBytes, timingSafeEqual } from 'node:crypto';
import { assertStrongPassword } from '#identity/methods/password-strength.ts';
import type { SignInMethod } from '#identity/methods/method.ts';
import { createTurnstile } from '#identity/turnstile.ts';

/** Argon2id of RFC 9106: KiB, passes, lanes. About 200 ms and 64 MiB a guess. */
const memoryKiB = 65_536;
const passes = 3;
const lanes = 1;
const saltBytes = 16;
const tagBytes = 32;

/** Version 0x13 of the algorithm, in the PHC string format. */
const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,64})\$([A-Za-z0-9+/]{43,86})$/;

interface Stored {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const derive = (password: string, of: Omit<Stored, 'tag'>, length: number): Promise<Buffer> => {
  const parameters: Argon2Parameters = {
    message: Buffer.from(password.normalize('NFC'), 'utf8'),
    nonce: of.salt,
    memory: of.memoryKiB,
    passes: of.passes,
    parallelism: of.lanes,
    tagLength: length,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, tag) => (error ? reject(error) : resolve(tag)));
  });
};

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

const format = (salt: Buffer, tag: Buffer): string =>
  `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(salt)}$${base64(tag)}`;

function parse(stored: string): Stored {
  const match = phcPattern.exec(stored);
  if (!match) throw new TypeError('a stored password hash is not argon2id');
  const [, memory, times, parallel, salt, tag] = match;
  return {
    memoryKiB: Number(memory),
    passes: Number(times),
    lanes: Number(parallel),
    salt: Buffer.from(salt ?? '', 'base64'),
    tag: Buffer.from(tag ?? '', 'base64'),
  };
}

/**
 * Passwords. At most `concurrency` are computed at once (each takes 64 MiB and a thread of the pool);
 * more wait in line, and beyond that CasemateError `rate_limited`.
 */
export function createPasswordMethod({ concurrency = 2, queue = 32 } = {}): SignInMethod {
  const turnstile = createTurnstile({ concurrency, queue });
  // Compared with when there is no account, so that an unknown one costs the same.
  const nobody: Stored = { memoryKiB, passes, lanes, salt: randomBytes(saltBytes), tag: randomBytes(tagBytes) };

  return {
    name: 'password',
    async enrol(person, password) {
      await assertStrongPassword(password, person);
      const salt = randomBytes(saltBytes);
      const tag = await turnstile(() => derive(password, { memoryKiB, passes, lanes, salt }, tagBytes));
      return format(salt, tag);
    },
    async prove(stored, password) {
      const known = stored === null ? nobody : parse(stored);
      const tag = await turnstile(() => derive(password, known, known.tag.length));
      const proven = timingSafeEqual(tag, known.tag) && stored !== null;
      if (!proven || (known.memoryKiB === memoryKiB && known.passes === passes && known.lanes === lanes)) {
        return { proven, renewed: null };
      }
      const salt = randomBytes(saltBytes);
      const fresh = await turnstile(() => derive(password, { memoryKiB, passes, lanes, salt }, tagBytes));
      return { proven, renewed: format(salt, fresh) };
    },
  };
}
