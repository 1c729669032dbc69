// One line at a time; where it goes is the application's choice.

/** debug: for looking at the library itself · info: states, assignments, restores · warn: passing trouble, records left out · error: what stopped the instance. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Gets one line at a time. Given to `onKafka` or to the test driver; silent by default. */
export type Logger = (level: LogLevel, message: string) => void;

export const silent: Logger = () => {};

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
