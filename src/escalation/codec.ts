// Bytes ↔ commands and outcomes. What cannot be read is named, never guessed at: the bridge puts it on the dead-letter topic with this reason.

import type { Command, Outcome } from './protocol.ts';

/** A record of a command topic that is no command of a version this release reads. */
export class UnreadableCommandError extends Error {
  override readonly name = 'UnreadableCommandError';
}

/** @throws UnreadableCommandError */
export function decodeCommand(value: Buffer | null): Command {
  if (value === null) throw new UnreadableCommandError('the record has no value');
  let command: Record<string, unknown>;
  try {
    command = JSON.parse(value.toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new UnreadableCommandError(`not JSON: ${(error as Error).message}`);
  }
  if (typeof command !== 'object' || command === null) throw new UnreadableCommandError('not a JSON object');
  if (command['v'] !== 1) throw new UnreadableCommandError(`its version is ${JSON.stringify(command['v'])}; this bridge reads version 1`);
  const wrong = [
    ...['workflowType', 'workflowId', 'kind', 'key'].filter((name) => typeof command[name] !== 'string' || command[name] === ''),
    ...['seq', 'at', 'notAfter'].filter((name) => !Number.isSafeInteger(command[name])),
    ...(command['op'] === 'signal' || command['op'] === 'cancel' ? [] : ['op']),
    ...(isReplyTo(command['replyTo']) ? [] : ['replyTo']),
    ...('payload' in command ? [] : ['payload']),
  ];
  if (wrong.length > 0) throw new UnreadableCommandError(`missing or of the wrong type: ${wrong.join(', ')}`);
  if ((command['seq'] as number) < 1) throw new UnreadableCommandError('seq must count from 1');
  return command as unknown as Command;
}

/** A command as it stands in its topic: JSON. */
export function encodeCommand(command: Command): Buffer {
  return Buffer.from(JSON.stringify(command));
}

/** An outcome as it stands in its topic: JSON. */
export function encodeOutcome(outcome: Outcome): Buffer {
  return Buffer.from(JSON.stringify(outcome));
}

function isReplyTo(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { topic, partition } = value as { topic?: unknown; partition?: unknown };
  return typeof topic === 'string' && topic !== '' && Number.isSafeInteger(partition) && (partition as number) >= 0;
}
