// The bytes of a foreign-key join's own topics and stores: they outlive a release, so a change must be seen here.

import { Serdes, UndecodableError } from 'millrace';
import type { Serde, SerdeSide } from 'millrace';
import { describe, expect, test } from 'vitest';
import { hash128 } from '../../src/topology/operators/foreign-key-hash.ts';
import { answerSerde, LEFT_ROW, partSerde, registrationSerde, SUBSCRIPTION, type Instruction } from '../../src/topology/operators/foreign-key-wire.ts';

const registrations = registrationSerde(Serdes.string(), Serdes.string());
const answers = answerSerde(Serdes.string());
const hash = hash128(Buffer.from('value'));
const hashHex = hash.toString('hex');

const SAMPLES: readonly (readonly [what: string, serde: Serde<any>, value: unknown, hex: string])[] = [
  ['a registration', registrations, { instruction: 'subscribe', partition: 258, hash, primaryKey: 'key' }, `010200000102${'10'}${hashHex}6b6579`],
  ['one of a row that is gone', registrations, { instruction: 'unsubscribe and answer', partition: 0, hash: null, primaryKey: '' }, '01010000000000'],
  ['a subscription', SUBSCRIPTION, { partition: 3, hash }, `0100000003${'10'}${hashHex}`],
  ['an answer', answers, { hash, value: 'Ann', isQuiet: false }, `0102${'10'}${hashHex}416e6e`],
  ['one with an empty value', answers, { hash, value: '', isQuiet: false }, `0102${'10'}${hashHex}`],
  ['one without a right row', answers, { hash, value: null, isQuiet: true }, `0101${'10'}${hashHex}`],
  ['one for a row that is gone', answers, { hash: null, value: null, isQuiet: false }, '010000'],
  ['what is remembered of a left row', LEFT_ROW, { hash, hasResult: true }, `0101${'10'}${hashHex}`],
  ['of one that is gone', LEFT_ROW, { hash: null, hasResult: true }, '010100'],
];

describe.each(SAMPLES)('%s', (_what, serde, value, hex) => {
  test('has these bytes, and is read back from them', () => {
    expect(serde.serialize('topic', value).toString('hex')).toBe(hex);
    expect(serde.deserialize('topic', Buffer.from(hex, 'hex'))).toEqual(value);
  });

  test('of another format version is refused by name', () => {
    const other = Buffer.from(hex, 'hex');
    other[0] = 9;
    expect(() => serde.deserialize('topic', other)).toThrow(/format version is 9, and this release reads version 1/);
    expect(serde.prepare?.('topic', other)).toBeUndefined();
  });

  test('cut off within its head is refused', () => {
    const head = hex.length / 2 - (hex.endsWith('6b6579') || hex.endsWith('416e6e') ? 3 : 0);
    for (let length = 0; length < head; length++) {
      const bytes = Buffer.from(hex, 'hex').subarray(0, length);
      expect(() => serde.deserialize('topic', bytes)).toThrow(UndecodableError);
      expect(serde.prepare?.('topic', bytes)).toBeUndefined();
    }
  });
});

test('instructions keep their numbers', () => {
  const numbers = (['unsubscribe', 'unsubscribe and answer', 'subscribe', 'subscribe quietly'] satisfies Instruction[]).map(
    (instruction) => registrations.serialize('topic', { instruction, partition: 0, hash: null, primaryKey: '' })[1],
  );
  expect(numbers).toEqual([0, 1, 2, 3]);
  expect(() => registrations.deserialize('topic', Buffer.from('01090000000000', 'hex'))).toThrow(/no instruction 9/);
});

test('serdes that share a topic are opened for names of their own, and asked to prepare just their bytes', async () => {
  const calls: string[] = [];
  const noting = (name: string): Serde<string> => ({
    ...Serdes.string(),
    open: async (topic: string, side: SerdeSide) => void calls.push(`${name} opens ${topic} ${side}`),
    prepare: (topic: string, data: Buffer) => void calls.push(`${name} prepares ${topic} ${data.toString()}`),
  });
  const registration = registrationSerde(noting('key'), partSerde(noting('value'), 'vh'));
  await registration.open!('t', 'value');
  registration.prepare!('t', registration.serialize('t', { instruction: 'subscribe', partition: 0, hash, primaryKey: 'pk' }));
  const answer = answerSerde(noting('right'));
  await answer.open!('u', 'value');
  answer.prepare!('u', answer.serialize('u', { hash, value: 'row', isQuiet: false }));
  answer.prepare!('u', answer.serialize('u', { hash, value: null, isQuiet: false }));
  expect(calls).toEqual(['key opens t-pk key', 'value opens t-vh value', 'key prepares t-pk pk', 'right opens u value', 'right prepares u row']);
});
