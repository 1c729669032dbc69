// How the cases write values: canonical JSON, and the text of anything.

import type { Windowed } from 'millrace';

export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted((value as Record<string, unknown>)[name])]));
}

export function isWindowed(value: unknown): value is Windowed<unknown> {
  return typeof value === 'object' && value !== null && 'window' in value && 'key' in value && typeof (value.window as { startMs?: unknown }).startMs === 'number';
}

export function text(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (isWindowed(value)) return `${text(value.key)}@${value.window.startMs}-${value.window.endMs}`;
  return canonical(value);
}

export function areEqual(a: unknown, b: unknown): boolean {
  return canonical(a ?? null) === canonical(b ?? null);
}
