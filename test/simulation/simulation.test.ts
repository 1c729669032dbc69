// Each seed is another history of crashes, lost answers, frozen and replaced instances, lost and old disks. SIM_SEEDS=5000 SIM_FROM=1000 looks further;
// SIM_SCENARIO=joins looks at what has that in its name.

import { describe, test } from 'vitest';
import type { Scenario } from './scenario.ts';
import { pairsAndTicks } from './scenarios/pairs-and-ticks.ts';
import { Simulation } from './simulation.ts';
import { fairWeather, sleepers, storm } from './weather.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = { 'pairs and ticks': pairsAndTicks };

const from = Number(process.env['SIM_FROM'] ?? 0);
const seeds = (byDefault: number): number[] => Array.from({ length: Number(process.env['SIM_SEEDS'] ?? byDefault) }, (_, at) => from + at);
const wanted = Object.entries(SCENARIOS).filter(([name]) => name.includes(process.env['SIM_SCENARIO'] ?? ''));

describe.each(wanted)('exactly once, and the same each time: %s', (_, scenario) => {
  describe.each([
    ['in fair weather', fairWeather, 2],
    ['in a storm', storm, 14],
    ['with instances that fall asleep', sleepers, 7],
  ] as const)('%s', (__, weather, byDefault) => {
    test.each(seeds(byDefault))('seed %i', (seed) => new Simulation(seed, weather, scenario).run());
  });
});
