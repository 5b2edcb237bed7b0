/** Every answer of the API has one outer form. */
export interface Envelope<T> {
  readonly success: boolean;
  readonly data: T | null;
  readonly error: string | null;
  /** RFC 3339. */
  readonly timestamp: string;
}

export const success = <T>(data: T, now: number): Envelope<T> => ({
  success: true,
  data,
  error: null,
  timestamp: new Date(now).toISOString(),
});

export const failure = (error: string, now: number): Envelope<never> => ({
  success: false,
  data: null,
  error,
  timestamp: new Date(now).toISOString(),
});
