// The script of a case: records into all topics that it reads, out of order now and then, and the clock moved where it matters.

import type { CaseHeaders, CaseStep } from '../golden-case.ts';
import type { Draft, InputTopic } from './draft.ts';
import { drawValue, KEYS } from './shapes.ts';

const HEADERS: readonly CaseHeaders[] = [[['trace', 't1']], [['trace', 't2'], ['trace', null]], [['other', '']]];

export function drawSteps(draft: Draft): CaseStep[] {
  const { random, inputs } = draft;
  const steps: CaseStep[] = [];
  const usesClock = draft.usesWallClock || draft.throttles;
  const withHeaders = random.chance(0.3);
  const pace = random.pick([2, 4, 8]);
  let now = random.upTo(5);
  // Some topics are busier than others.
  const weights = Object.fromEntries(inputs.map(({ topic }) => [topic, 1 + random.upTo(3)]));
  for (let left = 10 + random.upTo(14); left > 0; left--) {
    if (random.chance(usesClock ? 0.2 : 0.03)) {
      steps.push({ advanceWallClockMs: random.pick([1, 5, 10, 20, 100]) });
      continue;
    }
    const input = inputs.find(({ topic }) => topic === random.weighted(weights)) ?? random.pick(inputs);
    const move = random.weighted({ on: 12, same: 3, back: 4, jump: 2 });
    if (move === 'on') now += 1 + random.upTo(pace);
    if (move === 'jump') now += random.pick([20, 35, 60]);
    const timestamp = move === 'back' ? Math.max(0, now - 1 - random.upTo(pace * 4)) : now;
    steps.push({ pipe: { topic: input.topic, ...drawRecord(draft, input), timestamp, ...(withHeaders && random.chance(0.5) ? { headers: random.pick(HEADERS) } : {}) } });
  }
  return steps;
}

function drawRecord({ random }: Draft, { value, mayHaveNullKeys }: InputTopic) {
  const key = mayHaveNullKeys && random.chance(0.1) ? null : random.pick(KEYS);
  return { key, value: random.chance(0.15) ? null : drawValue(random, value) };
}
