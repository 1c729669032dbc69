import { expect, test } from 'vitest';
import { IllegalTransitionError, NEXT, transition, type StreamsState } from '../../src/runtime/streams-state.ts';

const STATES = Object.keys(NEXT) as StreamsState[];

function reachable(from: StreamsState): Set<StreamsState> {
  const found = new Set<StreamsState>([from]);
  for (const state of found) for (const next of NEXT[state]) found.add(next);
  return found;
}

test('every state can be reached, and from every state there is a way to an end', () => {
  expect([...reachable('CREATED')].sort()).toEqual([...STATES].sort());
  for (const state of STATES) expect([...reachable(state)].some((end) => NEXT[end].length === 0)).toBe(true);
});

test('what the table does not allow throws and names both states', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      if ((NEXT[from] as readonly string[]).includes(to)) expect(transition(from, to)).toBe(to);
      else expect(() => transition(from, to)).toThrow(IllegalTransitionError);
    }
  }
  expect(() => transition('ERROR', 'RUNNING')).toThrow(/ERROR.*RUNNING/);
});

test('the table reads as Kafka Streams draws it', () => {
  const lines = STATES.map((state) => `${state} → ${NEXT[state].join(', ') || '(end)'}`);
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "CREATED → REBALANCING, PENDING_SHUTDOWN
    REBALANCING → RUNNING, PENDING_SHUTDOWN, PENDING_ERROR
    RUNNING → REBALANCING, PENDING_SHUTDOWN, PENDING_ERROR
    PENDING_SHUTDOWN → NOT_RUNNING
    NOT_RUNNING → (end)
    PENDING_ERROR → ERROR
    ERROR → (end)"
  `);
});
