// One line at a time; where it goes is the application's choice.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Logger = (level: LogLevel, message: string) => void;

export const silent: Logger = () => {};

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
