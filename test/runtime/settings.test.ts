import { describe, expect, test } from 'vitest';
import { InvalidRecordError } from 'millrace';
import { resolveSettings, SettingsError, type StreamsSettings } from '../../src/runtime/settings.ts';
import { CorruptStateError } from '../../src/state/errors.ts';

function problemsOf(settings: StreamsSettings): readonly string[] {
  try {
    resolveSettings(settings);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as SettingsError).problems;
  }
  return [];
}

test('a name is enough', () => {
  const settings = resolveSettings({ applicationId: 'app' });
  expect(settings).toMatchObject({ applicationId: 'app', commitIntervalMs: 100, maxTaskIdleMs: 0, replicationFactor: -1 });
  expect(Object.values(settings).filter((value) => value === undefined)).toHaveLength(1); // no dead-letter topic
  expect(Object.isFrozen(settings)).toBe(true);
});

test('all problems come at once, each with the name, the value and what to give', () => {
  const problems = problemsOf({
    applicationId: 'no spaces please',
    commitIntervalMs: -1,
    maxUncommittedBytes: 1.5,
    maxTaskIdleMs: -2,
    sessionTimeoutMs: 10,
    heartbeatIntervalMs: 6_000,
    rebalanceTimeoutMs: Number.NaN,
    transactionTimeoutMs: '10s' as never,
    bufferedRecordsPerPartition: 0,
    replicationFactor: -3,
    stateDir: '',
    deadLetterTopic: 'not a topic',
  });
  for (const name of ['applicationId', 'commitIntervalMs', 'maxUncommittedBytes', 'maxTaskIdleMs', 'sessionTimeoutMs', 'heartbeatIntervalMs', 'rebalanceTimeoutMs', 'transactionTimeoutMs', 'bufferedRecordsPerPartition', 'replicationFactor', 'stateDir', 'deadLetterTopic']) {
    expect(problems.filter((problem) => problem.startsWith(name)), name).not.toEqual([]);
  }
  expect(problems.join('\n')).toMatch(/applicationId is "no spaces please".*topic names/);
});

test.each([
  ['a heartbeat that is more than half the session', { sessionTimeoutMs: 2_000, heartbeatIntervalMs: 1_500 }, /half of sessionTimeoutMs/],
  ['commits rarer than transactions live', { commitIntervalMs: 20_000 }, /transactionTimeoutMs/],
  ['a replication factor of 0, which no topic can have', { replicationFactor: 0 }, /replicationFactor/],
  ['an unknown name, which would be ignored', { commitInterval: 5 } as never, /commitInterval.*commitIntervalMs/],
])('refuses %s', (_, settings: Partial<StreamsSettings>, message) => {
  expect(problemsOf({ applicationId: 'app', ...settings }).join('\n')).toMatch(message);
});

test('the heartbeat follows a shorter session by itself', () => {
  expect(problemsOf({ applicationId: 'app', sessionTimeoutMs: 1_000 })).toEqual([]);
});

describe('without handlers of the user', () => {
  const record = { source: { topic: 'in', partition: 0, offset: 0 }, key: null, value: null };
  const corrupt = new CorruptStateError('place', 'reason');
  test.each([
    ['an undecodable record', 'deserialization', new TypeError('bad bytes'), 'dlq', 'fail'],
    ['an invalid record', 'processing', new InvalidRecordError('no such thing'), 'dlq', 'fail'],
    ['a bug', 'processing', new TypeError('x is undefined'), 'fail', 'fail'],
    ['trouble that is not the data\'s fault', 'deserialization', corrupt, 'fail', 'fail'],
  ] as const)('%s: with a dead-letter topic, and without', (_, handler, error, withTopic, without) => {
    const decide = (deadLetterTopic: string | undefined) => resolveSettings({ applicationId: 'app', ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }) }).errors[handler](error, record);
    expect([decide('app.dlq'), decide(undefined)]).toEqual([withTopic, without]);
  });
});
