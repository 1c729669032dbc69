// Each seed is another history of crashes, lost answers, frozen and replaced instances, lost and old disks. SIM_SEEDS=5000 SIM_FROM=1000 looks further;
// SIM_SCENARIO=joins looks at what has that in its name.

import { describe, test } from 'vitest';
import type { Scenario } from './scenario.ts';
import { chosenTopics } from './scenarios/chosen-topics.ts';
import { finalResults } from './scenarios/final-results.ts';
import { foreignKeys } from './scenarios/foreign-keys.ts';
import { globalTables } from './scenarios/global-tables.ts';
import { pairsAndTicks } from './scenarios/pairs-and-ticks.ts';
import { processors } from './scenarios/processors.ts';
import { streamJoins } from './scenarios/stream-joins.ts';
import { tableGroups } from './scenarios/table-groups.ts';
import { tableJoins } from './scenarios/table-joins.ts';
import { versionedJoins } from './scenarios/versioned-joins.ts';
import { windowsAtTheirBorders, windowsOnUpdate } from './scenarios/windows-on-update.ts';
import { Simulation } from './simulation.ts';
import { fairWeather, movers, sleepers, storm } from './weather.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'pairs and ticks': pairsAndTicks,
  'stream joins': streamJoins,
  'windows on update': windowsOnUpdate,
  'windows at their borders': windowsAtTheirBorders,
  'final results': finalResults,
  'table groups': tableGroups,
  'table joins': tableJoins,
  'foreign keys': foreignKeys,
  'versioned joins': versionedJoins,
  'global tables': globalTables,
  'chosen topics': chosenTopics,
  processors,
};

const from = Number(process.env['SIM_FROM'] ?? 0);
const seeds = (byDefault: number): number[] => Array.from({ length: Number(process.env['SIM_SEEDS'] ?? byDefault) }, (_, at) => from + at);
const wanted = Object.entries(SCENARIOS).filter(([name]) => name.includes(process.env['SIM_SCENARIO'] ?? ''));

describe.each(wanted)('exactly once, and the same each time: %s', (_, scenario) => {
  describe.each([
    ['in fair weather', fairWeather, 1],
    ['in a storm', storm, 1],
    ['with instances that fall asleep', sleepers, 1],
    ['with computers that come and go', movers, 1],
  ] as const)('%s', (__, weather, byDefault) => {
    test.each(seeds(byDefault))('seed %i', (seed) => new Simulation(seed, weather, scenario).run());
  });
});
