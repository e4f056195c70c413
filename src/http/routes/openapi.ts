import { z } from 'zod';
import { defineRoute } from '#http/define-route.ts';
import { publicRoute } from '#http/public-route.ts';
import { json } from '#http/replies.ts';

/** The description of the API. It is made of the whole table, this route included, so it comes as a service. */
export const openapiRoutes = [
  defineRoute({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description (OpenAPI 3.1)',
    access: publicRoute('the description is the same for everybody and is published with the source'),
    reply: json(z.record(z.string(), z.unknown())),
    handler: ({ services }) => services.openapi(),
  }),
];
