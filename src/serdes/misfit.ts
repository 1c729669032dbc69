// The two things that can go wrong in a serde, in the same words everywhere.

import { UndecodableError, UnserializableError } from './errors.ts';

export function unserializable(topic: string, serde: string, why: string): UnserializableError {
  return new UnserializableError(`A value for ${topic} cannot be written as ${serde}: ${why}. Correct the value, or give the topic another serde.`);
}

export function undecodable(topic: string, serde: string, why: string): UndecodableError {
  return new UndecodableError(`A record of ${topic} cannot be read as ${serde}: ${why}. Correct its writer, or read the topic with another serde.`);
}

/** A value as it reads in "it is …". */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value === 'bigint') return `${value}n`;
  let text: string;
  try {
    text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  } catch {
    return 'an object';
  }
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
