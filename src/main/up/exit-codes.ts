/** What the commands' exit codes mean; the launcher's usage text lists them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, missing: 3, configuration: 4, runsAlready: 5 } as const;
