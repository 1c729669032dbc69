// Punctuators on both clocks, with schedules, records and crashes drawn at random, against an account that looks at due times one by one.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder, type Processor, type PunctuationType } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const text = { key: Serdes.string(), value: Serdes.string() };

interface Plan {
  readonly intervalMs: number;
  readonly type: PunctuationType;
  readonly startAtMs: number | undefined;
}

type Step = { readonly record: number } | { readonly advance: number } | 'CRASH';

/** Each schedule that has due times after `since` and up to `now`, once: by its earliest, then in the order of scheduling. */
function fired(plans: readonly Plan[], type: PunctuationType, anchors: readonly number[], since: readonly number[], now: number): string[] {
  const found: { at: number; dueMs: number }[] = [];
  for (const [at, plan] of plans.entries()) {
    let dueMs = anchors[at]!;
    while (dueMs <= since[at]!) dueMs += plan.intervalMs;
    if (plan.type === type && dueMs <= now) found.push({ at, dueMs });
  }
  return found.sort((a, b) => a.dueMs - b.dueMs || a.at - b.at).map(({ at }) => `${at}@${now}`);
}

function naive(plans: readonly Plan[], steps: readonly Step[], startMs: number): string[] {
  const out: string[] = [];
  let wall = startMs;
  let streamTime = -1;
  let anchors: number[];
  let since: number[];
  // The wall clock's schedules begin anew with each start. What is anchored at just that moment is still to come.
  const begin = (): void => {
    anchors = plans.map(({ startAtMs, intervalMs }) => startAtMs ?? wall + intervalMs);
    since = plans.map(({ startAtMs }) => (startAtMs === wall ? wall - 1 : wall));
  };
  begin();
  for (const step of steps) {
    if (step === 'CRASH') begin();
    else if ('record' in step) {
      const before = streamTime;
      streamTime = Math.max(streamTime, step.record);
      out.push(...fired(plans, 'stream-time', plans.map(({ startAtMs }) => startAtMs ?? 0), plans.map(() => before), streamTime));
    } else {
      wall += step.advance;
      out.push(...fired(plans, 'wall-clock', anchors!, since!, wall));
      since = plans.map(() => wall);
    }
  }
  return out;
}

async function real(plans: readonly Plan[], steps: readonly Step[], startMs: number): Promise<string[]> {
  const supplier = (): Processor<string | null, string | null, string, string> => ({
    init(context) {
      for (const [at, { intervalMs, type, startAtMs }] of plans.entries()) {
        context.schedule({ intervalMs, type, ...(startAtMs === undefined ? {} : { startAtMs }) }, (now) => context.forward({ key: 'k', value: `${at}@${now}`, timestamp: now, headers: [] }));
      }
    },
    process: () => {},
  });
  const builder = new StreamsBuilder();
  builder.stream('in', text).process(supplier, { name: 'p' }).to('out', text);
  await using driver = await TopologyTestDriver.start(builder.build(), { wallClockStartMs: startMs });
  const input = driver.createInputTopic('in', text);
  for (const step of steps) {
    if (step === 'CRASH') await driver.crash();
    else if ('record' in step) await input.pipeInput('k', 'v', step.record);
    else await driver.advanceWallClockTime(step.advance);
  }
  return driver.createOutputTopic('out', text).readValues() as string[];
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  intervalMs: fc.integer({ min: 1, max: 9 }),
  type: fc.constantFrom<PunctuationType>('stream-time', 'wall-clock'),
  startAtMs: fc.option(fc.nat(60), { nil: undefined }),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ record: fc.nat(60) }) },
  { weight: 4, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.constant('CRASH' as const) },
);

test('punctuators fire when an account of due times says so', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyPlan, { minLength: 1, maxLength: 4 }), fc.array(anyStep, { maxLength: 20 }), fc.integer({ min: 0, max: 40 }), async (plans, steps, startMs) => {
      expect(await real(plans, steps, startMs)).toEqual(naive(plans, steps, startMs));
    }),
    { numRuns: 200 },
  );
});
