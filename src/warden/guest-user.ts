/** The person inside a sandbox; every template has this account. */
export const guestUser = { name: 'user', uid: 1000, gid: 1000, home: '/home/user' } as const;
