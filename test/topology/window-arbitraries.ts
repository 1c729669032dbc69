// Random windows, and random records that meet at their edges.

import { hopping, session, sliding, tumbling, type AnyWindows } from 'millrace';
import fc from 'fast-check';
import type { Input, Settings } from './window-reference.ts';

const small = fc.integer({ min: 0, max: 8 });
const atLeastOne = fc.integer({ min: 1, max: 8 });
export const KINDS = {
  tumbling: fc.record({ sizeMs: atLeastOne, graceMs: small }).map(tumbling),
  hopping: fc.tuple(atLeastOne, atLeastOne, small).map(([one, other, graceMs]) => hopping({ sizeMs: Math.max(one, other), advanceMs: Math.min(one, other), graceMs })),
  sliding: fc.record({ differenceMs: atLeastOne, graceMs: small }).map(sliding),
  session: fc.record({ gapMs: small, graceMs: small }).map(session),
} satisfies Record<string, fc.Arbitrary<AnyWindows>>;

export interface Step {
  /** Of a cogroup. */
  readonly input: number;
  readonly record: Input;
  /** The wall clock moves before it, ms. */
  readonly passes: number;
  readonly crash: 'none' | 'crash' | 'wipe';
}

const record: fc.Arbitrary<Omit<Input, 'cause'>> = fc.record({
  key: fc.constantFrom('a', 'a', 'b', 'ab', '￿', '𝒳', null),
  value: fc.constantFrom('x', 'y', 'z', 'x', null),
  // Mostly near one another, so that windows and their graces meet; sometimes far ahead.
  timestamp: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 0, max: 24 }) }, { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) }, { weight: 1, arbitrary: fc.integer({ min: 60, max: 400 }) }),
});
export const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.record({ record, input: fc.nat(5), passes: fc.constantFrom(0, 0, 1, 5), crash: fc.constantFrom<Step['crash']>('none', 'none', 'none', 'none', 'none', 'none', 'crash', 'wipe') }), { maxLength: 40, size: 'max' })
  .map((list) => list.map((step, at) => ({ ...step, record: { ...step.record, cause: `r${at}` } })));

export function settings(windows: AnyWindows): fc.Arbitrary<Settings> {
  const shortest = windows.graceMs + (windows.kind === 'time' ? windows.sizeMs : windows.kind === 'sliding' ? 2 * windows.differenceMs : windows.gapMs);
  return fc.record({
    emit: fc.constantFrom('on-update' as const, 'on-close' as const),
    retentionMs: fc.option(fc.integer({ min: Math.max(shortest, 0), max: shortest + 30 }), { nil: undefined }),
    emitIntervalMs: fc.constantFrom(0, 0, 4),
  });
}
