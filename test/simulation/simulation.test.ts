// Each seed is another history of crashes, lost answers, frozen and replaced instances, lost and old disks. SIM_SEEDS=5000 SIM_FROM=1000 looks further.

import { describe, test } from 'vitest';
import { Simulation, type Weather } from './simulation.ts';
import { fairWeather, sleepers, storm } from './weather.ts';

const from = Number(process.env['SIM_FROM'] ?? 0);
const seeds = (byDefault: number): number[] => Array.from({ length: Number(process.env['SIM_SEEDS'] ?? byDefault) }, (_, at) => from + at);

describe.each<[string, Weather, number]>([
  ['in fair weather', fairWeather, 10],
  ['in a storm', storm, 100],
  ['with instances that fall asleep', sleepers, 50],
])('every record counts exactly once %s', (_, weather, byDefault) => {
  test.each(seeds(byDefault))('seed %i', (seed) => new Simulation(seed, weather).run());
});
