import { transport } from './support/transport.ts';

// H10 all of it once more over HTTP/2, where pseudo-headers name method, path and host.
transport.http2 = true;
await import('./every-route.test.ts');
