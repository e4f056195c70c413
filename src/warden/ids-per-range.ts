/** Uids and gids of one sandbox. */
export const idsPerRange = 65_536;
