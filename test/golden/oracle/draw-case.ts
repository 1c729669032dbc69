// A golden case without an expectation: a topology of any operators that fit together, a script of inputs, and reads of all stores that have a name.

import { Random } from '../../simulation/random.ts';
import type { CaseRead, CaseStep, GoldenCase } from '../golden-case.ts';
import { aggregateOperators } from './draw-aggregates.ts';
import { Draft, type KnownStore } from './draft.ts';
import { joinOperators } from './draw-joins.ts';
import { processorOperators } from './draw-processors.ts';
import { drawSink, drawSource, loop, streamOperators, type Operator } from './draw-streams.ts';
import { drawSteps } from './draw-steps.ts';
import { drawTableSource, streamOf, tableOperators } from './draw-tables.ts';
import { KEYS } from './shapes.ts';

const OPERATORS: Readonly<Record<string, Operator>> = { ...streamOperators, ...tableOperators, ...aggregateOperators, ...joinOperators, ...processorOperators, loop };

/** How often each is tried, where not 2. */
const WEIGHTS: Readonly<Record<string, number>> = {
  filter: 1, mapValues: 1, selectKey: 1, flatMapValues: 1, repartition: 1, map: 1, flatMap: 1, split: 1, merge: 1,
  toTable: 2, toStream: 2, filterTable: 4, mapTable: 3, groupTable: 4, suppressForTime: 1,
  groupByKey: 3, groupBy: 3, cogroup: 4, windowedBy: 10, aggregate: 12, aggregateCogroup: 8, aggregateWindows: 25, aggregateWindowedCogroup: 15, reduceWindows: 1, suppressUntilClosed: 3,
  streamStream: 3, streamTable: 4, streamGlobal: 2, tableTable: 5, foreignKey: 4,
  dedupe: 1, previous: 1, lookup: 2, asOf: 1, readsContext: 1, changesRecords: 1, put: 0.5, listing: 0.5, recent: 1, tick: 0.5, countThenPunctuate: 0.5, expire: 0.5, loop: 0.3,
};

const FAN_MAX = 60;

export type CaseToPlay = Omit<GoldenCase, 'expect'>;

/** The same seed draws the same case. */
export function drawCase(seed: number): CaseToPlay {
  const draft = new Draft(new Random(seed));
  const { random } = draft;
  for (let count = 1 + random.upTo(2); count > 0; count--) (random.chance(0.55) ? drawSource : drawTableSource)(draft);
  const wanted = 2 + random.upTo(7);
  for (let added = 0, tries = 0; added < wanted && tries < 60; tries++) {
    if (OPERATORS[random.weighted(WEIGHTS)]!(draft)) added++;
  }
  end(draft);
  return {
    name: `drawn-${seed}`,
    about: `Drawn from seed ${seed}.`,
    ...settingsOf(draft),
    topology: { nodes: draft.nodes },
    steps: drawSteps(draft) as readonly CaseStep[],
    reads: draft.stores.map((store) => readOf(draft, store)),
  };
}

/** Whatever nothing hangs on comes out, and some of the rest. */
function end(draft: Draft): void {
  const isShown = (id: string, fan: number): boolean => fan <= FAN_MAX && (draft.loose.has(id) || draft.random.chance(0.15));
  for (const table of [...draft.tables]) if (isShown(table.id, table.fan)) draft.stream(streamOf(table, draft.add('toStream', { from: table.id })));
  for (const stream of [...draft.streams]) if (isShown(stream.id, stream.fan)) drawSink(draft, stream);
}

function settingsOf(draft: Draft): Pick<GoldenCase, 'settings'> {
  const { random } = draft;
  const emitIntervalMs = draft.throttles ? { emitIntervalMs: random.pick([1, 100]) } : {};
  const wallClockStartMs = random.chance(0.3) ? { wallClockStartMs: random.pick([5, 1_000]) } : {};
  const settings = { ...emitIntervalMs, ...wallClockStartMs };
  return Object.keys(settings).length === 0 ? {} : { settings };
}

function readOf(draft: Draft, { name, kind }: KnownStore): CaseRead {
  switch (kind) {
    case 'session':
      return { store: name, kind, keys: [...KEYS, 'k', 'A'] };
    case 'versioned':
      return { store: name, kind, gets: KEYS.flatMap((key) => [{ key }, { key, asOf: draft.random.upTo(40) }, { key, asOf: draft.random.upTo(150) }]) };
    default:
      return { store: name, kind };
  }
}
