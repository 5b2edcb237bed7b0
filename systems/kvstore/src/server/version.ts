/** Versions that the server tells. `redis` is the Redis whose commands and answers are followed: clients choose what they send by it. */
export const VERSION = { kvstore: "0.1.0", redis: "7.0.15" } as const;
