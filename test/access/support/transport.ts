/** Chosen before the first server is started; over HTTP/2 all requests of a test file go, and its servers end TLS. */
export const transport = { http2: false };
