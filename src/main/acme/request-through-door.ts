import { request as httpRequest } from 'node:http';
import acme from 'acme-client';

type Adapter = Extract<typeof acme.axios.defaults.adapter, (...given: never[]) => unknown>;

const longestMs = 60_000;
const maximumBytes = 1_048_576;

/**
 * The transport of the ACME client: the whole https:// URL goes to the broker's door, which decides,
 * verifies the certificate and journals. Nothing else of axios' own transport is used.
 */
export const requestThroughDoor =
  (socketPath: string): Adapter =>
  (config) =>
    new Promise((resolve, reject) => {
      const body: unknown = config.data;
      const text = typeof body === 'string' ? body : undefined;
      const outgoing = httpRequest(
        {
          socketPath,
          path: config.url ?? '',
          method: (config.method ?? 'get').toUpperCase(),
          agent: false,
          signal: AbortSignal.timeout(longestMs),
          headers: {
            accept: 'application/json, application/pem-certificate-chain',
            'user-agent': 'casemate',
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/jose+json', 'content-length': String(Buffer.byteLength(text)) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maximumBytes) outgoing.destroy(new Error('the answer is too long'));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            const data = Buffer.concat(chunks).toString('utf8');
            // The broker's own refusals are text; the client would not find their words.
            if (data.startsWith('casemate: ')) return reject(refused(data));
            resolve({
              data,
              status,
              statusText: response.statusMessage ?? '',
              headers: response.headers as Record<string, string>,
              config,
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });

/** With a code that the client does not try again by itself: `up` does, later. */
const refused = (text: string): Error =>
  Object.assign(new Error(text.slice('casemate: '.length).trim()), { code: 'ECONNABORTED' });
