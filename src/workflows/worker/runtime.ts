// The SDK's runtime, once per process. By default it takes SIGINT and SIGTERM for itself, and prints ten lines with a stack for every activity that fails
// for a moment; a process that drains Kafka before its workers must order its own shutdown, and wants to read its log.

import { DefaultLogger, type LogEntry, Runtime } from '@temporalio/worker';

const REPEATED_LINE_MS = 10_000;

let say = (line: string): void => console.error(line);
let isInstalled = false;
const saidAtMs = new Map<string, number>();

/** @param onTrouble gets one line for what is worth knowing; the same line at most every ten seconds. The runtime is shared: the last one given counts. */
export function installRuntime(onTrouble?: (line: string) => void): void {
  if (onTrouble !== undefined) say = onTrouble;
  if (isInstalled) return;
  isInstalled = true;
  try {
    Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('WARN', tell) });
  } catch (error) {
    // The application installed its own runtime first: then its settings stand.
    if (!/already been (installed|instantiated)/i.test((error as Error).message)) throw error;
  }
}

function tell(entry: LogEntry): void {
  const line = lineOf(entry);
  const now = Date.now();
  if (now - (saidAtMs.get(line) ?? 0) < REPEATED_LINE_MS) return;
  if (saidAtMs.size > 1_000) saidAtMs.clear();
  saidAtMs.set(line, now);
  say(line);
}

/** Without attempt and workflow for a failed activity: a storm of them is one piece of news. */
function lineOf({ message, meta }: LogEntry): string {
  const { activityType, workflowId, error } = (meta ?? {}) as { activityType?: string; workflowId?: string; error?: unknown };
  const reason = error === undefined ? '' : `: ${reasonOf(error)}`;
  if (message === 'Activity failed') return `${activityType} failed${reason}. Unless it was refused for good, Temporal tries it again.`;
  return `Temporal worker: ${message}${workflowId === undefined ? '' : ` (workflow ${workflowId})`}${reason}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
